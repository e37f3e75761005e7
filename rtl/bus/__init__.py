"""Buses: signatures, crossbar, memories and bridges."""

from .axi import AXI4LiteSignature, AXI4Signature, AXIStreamSignature, Burst, Resp

__all__ = ["AXI4LiteSignature", "AXI4Signature", "AXIStreamSignature", "Burst", "Resp"]
