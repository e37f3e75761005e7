"""Buses: signatures, crossbar, memories and bridges."""

from .axi import AXI4LiteSignature, AXI4Signature, AXIStreamSignature, Burst, Resp
from .channel import AXI4Slice, connect_axi4, connect_axi4lite
from .crossbar import AXI4Crossbar, downstream_signature
from .error import AXI4Error
from .lite import AXI4LiteDecoder, AXI4ToLite
from .memory import AXI4Rom, AXI4Sram
from .monitor import AXI4Monitor

__all__ = ["AXI4Crossbar", "AXI4Error", "AXI4LiteDecoder", "AXI4LiteSignature", "AXI4Monitor",
           "AXI4Rom", "AXI4Signature", "AXI4Slice", "AXI4Sram", "AXI4ToLite",
           "AXIStreamSignature", "Burst", "Resp", "connect_axi4", "connect_axi4lite",
           "downstream_signature"]
