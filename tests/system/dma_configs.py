"""Engines that the system tests share, so that each is built once."""

import dataclasses

from rtl.config import DmaConfig

__all__ = ["NARROW", "OWN_PORT", "WIDE", "WIDEST"]

WIDE = DmaConfig(queues=4, transpose=32, fill=True, counters=True, messages=True)
NARROW = DmaConfig(data_width=64, max_burst=8, buffer_bytes=256, outstanding=4, packets=4,
                   prefetch=8)
OWN_PORT = dataclasses.replace(NARROW, descriptor_port=True, transpose=8, fill=True)
WIDEST = DmaConfig(data_width=512, descriptor_port=True, buffer_bytes=16384)
