"""SBUF: the operand memory, one partition a row, two single-port banks each."""

from amaranth import Cat, Module, Mux, Signal
from amaranth.lib import memory, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from rtl.config import TileConfig

__all__ = ["BANKS", "WORD_BYTES", "Sbuf"]

BANKS = 2
WORD_BYTES = 8


class Sbuf(wiring.Component):
    """S partitions of two interleaved banks of 64-bit words, each with one port.

    The engines work on all partitions at once, at one word address; the bus works on one partition,
    on both of its banks. Priority in each bank: tensor, activation writes, activation reads, bus.
    A request that is not granted stays.

    Timing
    ------
    ``grant`` follows the requests in the same cycle. Data of a granted read stands in ``data`` in
    the next cycle and until the next access of that bank; it is undefined before the first read.

    Parameters
    ----------
    config : :class:`TileConfig`
        Size and bytes.

    Members
    -------
    moving_en, moving_addr : :py:`In`
        Word read by the tensor engine for a moving column. Always granted.
    load_en, load_addr : :py:`In`
        Word read for weights. Always granted; the tensor engine never reads twice from a bank.
    write_en, write_addr, write_strobe, write_rows, write_data, write_grant
        Word write by the activation engine: one strobe a byte, one bit and one word a partition.
    read_en, read_addr, read_grant
        Word read by the activation engine.
    bus_en, bus_write, bus_partition, bus_addr, bus_strobe, bus_data, bus_grant
        Access by the bus to the pair of words at pair address ``bus_addr``, 128 bits.
    data : :py:`Out(64).array(size, BANKS)`
        Words read.
    """

    moving_en: Signal
    moving_addr: Signal
    load_en: Signal
    load_addr: Signal
    write_en: Signal
    write_addr: Signal
    write_strobe: Signal
    write_rows: Signal
    write_grant: Signal
    read_en: Signal
    read_addr: Signal
    read_grant: Signal
    bus_en: Signal
    bus_write: Signal
    bus_partition: Signal
    bus_addr: Signal
    bus_strobe: Signal
    bus_data: Signal
    bus_grant: Signal

    def __init__(self, config: TileConfig):
        self.config = config
        self.addr_width = exact_log2(config.sbuf_bytes // WORD_BYTES)
        size = config.size
        super().__init__({
            "moving_en":     In(1),
            "moving_addr":   In(self.addr_width),
            "load_en":       In(1),
            "load_addr":     In(self.addr_width),
            "write_en":      In(1),
            "write_addr":    In(self.addr_width),
            "write_strobe":  In(WORD_BYTES),
            "write_rows":    In(size),
            "write_data":    In(64).array(size),
            "write_grant":   Out(1),
            "read_en":       In(1),
            "read_addr":     In(self.addr_width),
            "read_grant":    Out(1),
            "bus_en":        In(1),
            "bus_write":     In(1),
            "bus_partition": In(range(size)),
            "bus_addr":      In(self.addr_width - 1),
            "bus_strobe":    In(BANKS * WORD_BYTES),
            "bus_data":      In(BANKS * 64),
            "bus_grant":     Out(1),
            "data":          Out(64).array(size, BANKS),
        })

    def elaborate(self, platform):
        m = Module()

        write_grants, read_grants, engines = [], [], []
        for bank in range(BANKS):
            name = f"bank_{bank}"
            moving = self.moving_en & (self.moving_addr[0] == bank)
            load = self.load_en & (self.load_addr[0] == bank)
            tensor = Signal(name=f"{name}_tensor")
            write = Signal(name=f"{name}_write")
            read = Signal(name=f"{name}_read")
            engine = Signal(name=f"{name}_engine")
            address = Signal(self.addr_width - 1, name=f"{name}_address")
            m.d.comb += [
                tensor.eq(moving | load),
                write.eq(self.write_en & (self.write_addr[0] == bank) & ~tensor),
                read.eq(self.read_en & (self.read_addr[0] == bank) & ~tensor & ~write),
                engine.eq(tensor | write | read),
                address.eq(Mux(moving, self.moving_addr[1:], Mux(
                    load, self.load_addr[1:], Mux(write, self.write_addr[1:],
                                                  self.read_addr[1:])))),
            ]
            write_grants.append(write)
            read_grants.append(read)
            engines.append(engine)
            for row in range(self.config.size):
                self._bank(m, row, bank, engine, write, address)
        m.d.comb += [
            self.write_grant.eq(Cat(write_grants).any()),
            self.read_grant.eq(Cat(read_grants).any()),
            self.bus_grant.eq(self.bus_en & ~Cat(engines).any()),
        ]
        return m

    def _bank(self, m, row, bank, engine, engine_write, engine_address):
        """Add one bank of one partition: a memory with one address for reads and writes."""
        depth = self.config.sbuf_bytes // WORD_BYTES // BANKS
        store = memory.Memory(shape=64, depth=depth, init=[])
        m.submodules[f"bank_{row}_{bank}"] = store
        # No read in the cycle of a write: this is what block RAM with one port can do.
        write, read = store.write_port(granularity=8), store.read_port()
        bus = Signal(name=f"bus_{row}_{bank}")
        written = Signal(name=f"written_{row}_{bank}")
        address = Signal(range(depth), name=f"address_{row}_{bank}")
        m.d.comb += [
            bus.eq(self.bus_grant & (self.bus_partition == row)),
            written.eq(Mux(engine, engine_write, bus & self.bus_write)),
            address.eq(Mux(engine, engine_address, self.bus_addr)),
            write.addr.eq(address),
            read.addr.eq(address),
            read.en.eq((engine | bus) & ~written),
            self.data[row][bank].eq(read.data),
        ]
        with m.If(engine):
            m.d.comb += [
                write.data.eq(self.write_data[row]),
                write.en.eq(Mux(engine_write & self.write_rows[row], self.write_strobe, 0)),
            ]
        with m.Else():
            m.d.comb += [
                write.data.eq(self.bus_data.word_select(bank, 64)),
                write.en.eq(Mux(bus & self.bus_write,
                                self.bus_strobe.word_select(bank, WORD_BYTES), 0)),
            ]
