"""AMBA bus signatures with flat member names, seen from the manager.

Flat names (``awaddr``, not ``aw.payload.addr``) keep the emitted ports recognisable to waveform
viewers and to bus-functional models: a member ``m_axi`` is emitted as ``m_axi__awaddr`` and so on.
"""

from amaranth.lib import enum, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["AXI4LiteSignature", "AXI4Signature", "AXIStreamSignature", "Burst", "Resp"]


class Resp(enum.Enum, shape=2):
    """Response code (AMBA AXI4, A3.4.4)."""

    OKAY = 0
    EXOKAY = 1
    SLVERR = 2
    DECERR = 3


class Burst(enum.Enum, shape=2):
    """Burst type (AMBA AXI4, A3.4.1). Our managers issue ``INCR`` only."""

    FIXED = 0
    INCR = 1
    WRAP = 2


class AXI4Signature(wiring.Signature):
    """AXI4 bus, seen from the manager.

    Parameters
    ----------
    addr_width, data_width, id_width : :class:`int`
        Widths in bits; ``data_width`` is a power of two from 32 to 1024.
    user_width : :class:`int`
        Width of ``awuser`` and ``aruser``, which name the tenant; 0 leaves them out.
    read, write : :class:`bool`
        Leave out the channels of a direction that the manager never uses.

    Raises
    ------
    :exc:`ValueError`
        If ``data_width`` is not a power of two from 32 to 1024, or no direction is left.
    """

    def __init__(self, *, addr_width: int, data_width: int, id_width: int = 1,
                 user_width: int = 0, read: bool = True, write: bool = True):
        if data_width not in (32, 64, 128, 256, 512, 1024):
            raise ValueError(f"Data width must be a power of two from 32 to 1024, "
                             f"not {data_width!r}")
        if not read and not write:
            raise ValueError("An AXI4 bus must have a read or a write direction")
        self.addr_width = addr_width
        self.data_width = data_width
        self.id_width = id_width
        self.user_width = user_width
        self.read = read
        self.write = write
        members = {}
        for prefix, present in (("aw", write), ("ar", read)):
            if not present:
                continue
            members |= {
                f"{prefix}id":    Out(id_width),
                f"{prefix}addr":  Out(addr_width),
                f"{prefix}len":   Out(8),
                f"{prefix}size":  Out(3),
                f"{prefix}burst": Out(Burst, init=Burst.INCR),
                f"{prefix}lock":  Out(1),
                f"{prefix}cache": Out(4),
                f"{prefix}prot":  Out(3),
            }
            if user_width:
                members[f"{prefix}user"] = Out(user_width)
            members |= {f"{prefix}valid": Out(1), f"{prefix}ready": In(1)}
        if write:
            members |= {
                "wdata":  Out(data_width),
                "wstrb":  Out(data_width // 8),
                "wlast":  Out(1),
                "wvalid": Out(1),
                "wready": In(1),
                "bid":    In(id_width),
                "bresp":  In(Resp),
                "bvalid": In(1),
                "bready": Out(1),
            }
        if read:
            members |= {
                "rid":    In(id_width),
                "rdata":  In(data_width),
                "rresp":  In(Resp),
                "rlast":  In(1),
                "rvalid": In(1),
                "rready": Out(1),
            }
        super().__init__(members)

    @property
    def size(self) -> int:
        """``AxSIZE`` of a full-width beat."""
        return (self.data_width // 8).bit_length() - 1

    def __eq__(self, other):
        return (type(self) is type(other)
                and self.addr_width == other.addr_width and self.data_width == other.data_width
                and self.id_width == other.id_width and self.user_width == other.user_width
                and self.read == other.read and self.write == other.write)

    def __repr__(self):
        return (f"AXI4Signature(addr_width={self.addr_width}, data_width={self.data_width}, "
                f"id_width={self.id_width}, user_width={self.user_width}, read={self.read}, "
                f"write={self.write})")


class AXI4LiteSignature(wiring.Signature):
    """AXI4-Lite bus with 32-bit data, seen from the manager.

    Parameters
    ----------
    addr_width : :class:`int`
        Width of the byte address.
    """

    def __init__(self, *, addr_width: int):
        self.addr_width = addr_width
        super().__init__({
            "awaddr":  Out(addr_width),
            "awprot":  Out(3),
            "awvalid": Out(1),
            "awready": In(1),
            "wdata":   Out(32),
            "wstrb":   Out(4),
            "wvalid":  Out(1),
            "wready":  In(1),
            "bresp":   In(Resp),
            "bvalid":  In(1),
            "bready":  Out(1),
            "araddr":  Out(addr_width),
            "arprot":  Out(3),
            "arvalid": Out(1),
            "arready": In(1),
            "rdata":   In(32),
            "rresp":   In(Resp),
            "rvalid":  In(1),
            "rready":  Out(1),
        })

    def __eq__(self, other):
        return type(self) is type(other) and self.addr_width == other.addr_width

    def __repr__(self):
        return f"AXI4LiteSignature(addr_width={self.addr_width})"


class AXIStreamSignature(wiring.Signature):
    """AXI4-Stream with byte qualifiers and packets, seen from the transmitter.

    Parameters
    ----------
    data_width : :class:`int`
        Width of ``tdata``, a multiple of 8.
    user_width : :class:`int`
        Width of ``tuser``; 0 leaves it out.
    """

    def __init__(self, *, data_width: int, user_width: int = 0):
        if data_width % 8 or data_width <= 0:
            raise ValueError(f"Data width must be a positive multiple of 8, not {data_width!r}")
        self.data_width = data_width
        self.user_width = user_width
        members = {
            "tdata":  Out(data_width),
            "tkeep":  Out(data_width // 8),
            "tlast":  Out(1),
            "tvalid": Out(1),
            "tready": In(1),
        }
        if user_width:
            members["tuser"] = Out(user_width)
        super().__init__(members)

    def __eq__(self, other):
        return (type(self) is type(other) and self.data_width == other.data_width
                and self.user_width == other.user_width)

    def __repr__(self):
        return f"AXIStreamSignature(data_width={self.data_width}, user_width={self.user_width})"
