"""Engines that the system tests share, so that each is built once."""

from rtl.config import DmaConfig

__all__ = ["NARROW", "WIDE"]

WIDE = DmaConfig(queues=4)
NARROW = DmaConfig(data_width=64, max_burst=8, buffer_bytes=256, outstanding=4, packets=4,
                   prefetch=8)
