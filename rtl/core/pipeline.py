"""The pipeline port: what moves in the core in one cycle."""

from amaranth.lib import data

from rtl.core.predictor import PC_BITS

__all__ = ["PipelineLayout"]


class PipelineLayout(data.StructLayout):
    """Steps that instructions and their micro-ops take at the end of one cycle.

    Every stage holds at most one micro-op and everything stays in program order, so these bits
    are enough to follow each instruction.

    Members
    -------
    pc : PC_BITS, insn : 32
        Instruction of ``fetched``.
    fetched : 1
        An instruction enters the fetch queue.
    cracked : 1
        A micro-op of the oldest instruction there enters the issue stage.
    decoded : 1
        It is the instruction's last one: the instruction leaves the queue.
    issued, executed, accessed : 1
        A micro-op goes from issue to execute, from there to memory, from there to write.
    written : 1
        A micro-op leaves the write stage.
    retired : 1
        It ends its instruction, completed or by an exception.
    flush : 1
        The fetch queue and the issue stage are emptied.
    flush_back : 1
        The execute and memory stage are emptied, too, and the write stage, if ``written`` is 0.
    """

    def __init__(self):
        super().__init__({
            "pc": PC_BITS, "insn": 32, "fetched": 1, "cracked": 1, "decoded": 1, "issued": 1,
            "executed": 1, "accessed": 1, "written": 1, "retired": 1, "flush": 1, "flush_back": 1,
        })
