"""Tests; the folders under ``unit`` mirror those of ``rtl``, ``sim``, ``sw`` and ``synth``."""
