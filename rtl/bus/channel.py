"""AXI4 channels as payloads of streams, and the connection of buses of unequal widths."""

from amaranth import Module, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from rtl.lib import StreamBuffer

from .axi import AXI4Signature, Burst, Resp

__all__ = ["CHANNELS", "AXI4Slice", "AddressLayout", "ReadLayout", "ResponseLayout", "WriteLayout",
           "channel_from", "channel_to", "connect_axi4", "connect_axi4lite"]

CHANNELS = ("aw", "w", "b", "ar", "r")
FORWARD = ("aw", "w", "ar")


class AddressLayout(data.StructLayout):
    """Payload of AW and AR.

    Parameters
    ----------
    signature : :class:`AXI4Signature`
        Bus whose widths to take. Without ``user_width`` there is no ``user``.
    """

    def __init__(self, signature: AXI4Signature):
        fields = {
            "id": signature.id_width, "addr": signature.addr_width, "len": 8, "size": 3,
            "burst": Burst, "lock": 1, "cache": 4, "prot": 3,
        }
        if signature.user_width:
            fields["user"] = signature.user_width
        super().__init__(fields)


class WriteLayout(data.StructLayout):
    """Payload of W, with the widths of ``signature``."""

    def __init__(self, signature: AXI4Signature):
        width = signature.data_width
        super().__init__({"data": width, "strb": width // 8, "last": 1})


class ResponseLayout(data.StructLayout):
    """Payload of B, with the widths of ``signature``."""

    def __init__(self, signature: AXI4Signature):
        super().__init__({"id": signature.id_width, "resp": Resp})


class ReadLayout(data.StructLayout):
    """Payload of R, with the widths of ``signature``."""

    def __init__(self, signature: AXI4Signature):
        super().__init__({"id": signature.id_width, "data": signature.data_width, "resp": Resp,
                          "last": 1})


LAYOUTS = {"aw": AddressLayout, "w": WriteLayout, "b": ResponseLayout, "ar": AddressLayout,
           "r": ReadLayout}


def channel_from(m: Module, bus, channel: str, signature: AXI4Signature) -> stream.Interface:
    """Return a stream that carries what ``channel`` of ``bus`` transmits."""
    layout = LAYOUTS[channel](signature)
    beats = stream.Signature(layout).create(path=(f"{channel}_beats",))
    m.d.comb += [
        beats.valid.eq(getattr(bus, f"{channel}valid")),
        getattr(bus, f"{channel}ready").eq(beats.ready),
    ]
    m.d.comb += [beats.payload[name].eq(getattr(bus, f"{channel}{name}")) for name, _ in layout]
    return beats


def channel_to(m: Module, beats: stream.Interface, bus, channel: str,
               signature: AXI4Signature) -> None:
    """Drive ``channel`` of ``bus`` with ``beats``, whose layout has the widths of ``signature``."""
    m.d.comb += [
        getattr(bus, f"{channel}valid").eq(beats.valid),
        beats.ready.eq(getattr(bus, f"{channel}ready")),
    ]
    m.d.comb += [getattr(bus, f"{channel}{name}").eq(beats.payload[name])
                 for name, _ in LAYOUTS[channel](signature)]


def _signature(bus):
    """Return the signature of a bus, seen from the manager."""
    signature = bus.signature
    return signature.flip() if isinstance(signature, wiring.FlippedSignature) else signature


def _connect(m, manager, subordinate):
    """Drive each member that both have, in the direction that the manager's signature gives."""
    present = _signature(subordinate).members
    for name, member in _signature(manager).members.items():
        if name in present:
            source, sink = ((manager, subordinate) if member.flow is Out
                            else (subordinate, manager))
            m.d.comb += Value.cast(getattr(sink, name)).eq(Value.cast(getattr(source, name)))


def connect_axi4(m: Module, manager, subordinate) -> None:
    """Connect a bus to one with another address, ID or user width.

    Addresses are cut or extended with zeros, so a subordinate with a narrow address sees the
    offset in its region. A subordinate's ID must be as wide as the manager's or wider: it returns
    what it was given. A direction that either side lacks is left out, which needs a manager that
    never uses it.

    Raises
    ------
    :exc:`ValueError`
        If the subordinate's ID is narrower than the manager's, or the data widths differ.
    """
    up, down = _signature(manager), _signature(subordinate)
    if down.id_width < up.id_width:
        raise ValueError(f"ID width of the subordinate must be at least {up.id_width}, "
                         f"not {down.id_width!r}")
    if down.data_width != up.data_width:
        raise ValueError(f"Data width of the subordinate must be {up.data_width}, "
                         f"not {down.data_width!r}")
    _connect(m, manager, subordinate)


def connect_axi4lite(m: Module, manager, subordinate) -> None:
    """Connect an AXI4-Lite bus to one with another address width; see :func:`connect_axi4`."""
    _connect(m, manager, subordinate)


class AXI4Slice(wiring.Component):
    """Register slices on chosen channels of a bus; the others pass through.

    Timing
    ------
    A registered channel takes 1 cycle more and loses no throughput; its ``valid``, payload and
    ``ready`` come from registers.

    Parameters
    ----------
    signature : :class:`AXI4Signature`
        The bus.
    channels : collection of :class:`str`
        Channels to register, out of :data:`CHANNELS`.

    Members
    -------
    s_axi : :py:`In(signature)`
        Side of the manager.
    m_axi : :py:`Out(signature)`
        Side of the subordinate.

    Raises
    ------
    :exc:`ValueError`
        If a name in ``channels`` is not that of a channel.
    """

    s_axi: wiring.PureInterface
    m_axi: wiring.PureInterface

    def __init__(self, signature: AXI4Signature, *, channels=CHANNELS):
        unknown = [name for name in channels if name not in CHANNELS]
        if unknown:
            raise ValueError(f"Channels must be out of {', '.join(CHANNELS)}, not {unknown!r}")
        self.bus = signature
        self.channels = tuple(channels)
        super().__init__({"s_axi": In(signature), "m_axi": Out(signature)})

    def elaborate(self, platform):
        m = Module()

        present = [name for name in CHANNELS if f"{name}valid" in self.bus.members]
        for channel in present:
            forward = channel in FORWARD
            source, sink = ((self.s_axi, self.m_axi) if forward else (self.m_axi, self.s_axi))
            beats = channel_from(m, source, channel, self.bus)
            if channel in self.channels:
                m.submodules[channel] = buffer = StreamBuffer(beats.payload.shape())
                wiring.connect(m, beats, buffer.i)
                beats = buffer.o
            channel_to(m, beats, sink, channel, self.bus)

        return m
