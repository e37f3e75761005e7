"""What kernels run on: the golden model of the tile, or its RTL in a simulator."""

from collections.abc import Sequence

from rtl.config import TileConfig
from rtl.matmul.encoding import FIELDS, Instruction
from sim.bfm.tile_harness import TileHost
from sim.matmul import HostSession
from sim.models.matmul_state import TileState
from sw.kernels.steps import Push, Read, Step, Write

__all__ = ["ModelMachine", "RtlMachine"]

NAMES = {field.name: {value: name for name, value in field.values.items()}
         for field in FIELDS if field.values}
WITHOUT_EFFECT = ("nop", "fence")
HEADER = ("once", "interrupt", "wait", "consume", "wait_index", "wait_value", "add_index",
          "add_value")


class ModelMachine:
    """The golden model: memories before and after each instruction, no time.

    Instructions take effect in the order of the steps, so what waits has to stand behind what it
    waits for.

    Parameters
    ----------
    config : :class:`TileConfig`
        The tile.
    """

    def __init__(self, config: TileConfig):
        self.config = config
        self.state = TileState(size=config.size, sbuf_bytes=config.sbuf_bytes,
                               psum_banks=config.psum_banks, chain=config.chain)

    def play(self, steps: Sequence[Step]) -> dict[tuple[int, ...], bytes]:
        """Do all steps and return the bytes that were read, by their tags."""
        pieces = {}
        for step in steps:
            match step:
                case Write():
                    place = slice(step.address, step.address + len(step.payload))
                    self.state.sbuf[step.partition, place] = list(step.payload)
                case Push():
                    self._execute(step.instruction)
                case Read():
                    place = slice(step.address, step.address + step.count)
                    pieces[step.tag] = self.state.sbuf[step.partition, place].tobytes()
                case _:
                    pass
        return pieces

    def _execute(self, instruction: Instruction) -> None:
        if instruction.mnemonic in WITHOUT_EFFECT:
            return
        fields = {name: NAMES[name][value] if name in NAMES else value
                  for name, value in instruction.fields.items() if name not in HEADER}
        for name in DEFAULTS.get(instruction.mnemonic, ()):
            fields.setdefault(name, NAMES[name][0] if name in NAMES else 0)
        getattr(self.state, instruction.mnemonic)(**fields)


DEFAULTS = {"load_stationary": ("type", "address"),
            "multiply_moving": ("type", "address", "bank"),
            "activate": ("type", "output", "destination"),
            "pattern": ("slot",), "memset": ("element", "destination"),
            "tensor_tensor": ("type", "output", "operation", "destination"),
            "transpose": ("element", "address", "destination")}
"""Fields that the model wants to be named, and that are 0 where an instruction does not."""


class RtlMachine:
    """The RTL of a tile in a simulator.

    Parameters
    ----------
    host : :class:`TileHost`
        The tile; it is reset.
    """

    def __init__(self, host: TileHost):
        self.host = host
        self.config = host.config
        session = HostSession(host)
        session.register("COMMAND", 3)
        session.flush()

    def play(self, steps: Sequence[Step]) -> dict[tuple[int, ...], bytes]:
        """Do all steps and return the bytes that were read, by their tags."""
        session = HostSession(self.host)
        for step in steps:
            session.step(step)
        session.flush()
        return session.pieces
