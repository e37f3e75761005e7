"""Encoding of the tile's instructions: one table, from which everything else is made.

An instruction is 32 bytes, four little-endian 64-bit words; bit ``i`` of the instruction is bit
``i % 64`` of word ``i // 64``. Every instruction starts with the same header; fields that do not
belong to an opcode are zero. This module is plain Python: the gateware's layout
(:mod:`rtl.matmul.instruction`), the assembler, the C header and the tables of
``docs/tile-isa.md`` come from the same :data:`FIELDS` and :data:`OPCODES`.
"""

import dataclasses

from rtl.config import TILE_TYPES

__all__ = ["ELEMENT_BYTES", "ERROR_CAUSES", "FIELDS", "HEADER", "INSTRUCTION_BYTES", "OPCODES",
           "OPERATIONS", "OUTPUTS", "TYPES", "TYPE_CLASS", "Field", "Instruction", "Opcode",
           "assemble", "c_header", "disassemble", "markdown_tables", "parse"]

INSTRUCTION_BYTES = 32

TYPES = {name: value for value, name in enumerate(TILE_TYPES)}
"""Number formats by the value of the ``type`` field."""

TYPE_CLASS = {"int8": "int8", "bf16": "float", "fp16": "float", "fp8_e4m3": "fp8",
              "fp8_e4m3fn": "fp8", "fp8_e5m2": "fp8"}
"""Which datapath multiplies a format; formats of one class can meet in a product."""

ELEMENT_BYTES = {name: 2 if kind == "float" else 1 for name, kind in TYPE_CLASS.items()}
"""Bytes of an element in SBUF."""

OUTPUTS = {"word": 0, **{name: value + 1 for name, value in TYPES.items()}}
"""What ``activate`` writes, by the value of the ``output`` field."""

OPERATIONS = {name: value for value, name in enumerate((
    "copy", "add", "subtract", "multiply", "maximum", "minimum", "greater", "greater_equal",
    "equal", "select"))}
"""What ``tensor_tensor`` does, by the value of the ``operation`` field."""

ERROR_CAUSES = {
    "none": (0, "No error"),
    "opcode": (1, "The opcode or operation is unknown, or belongs to the other engine"),
    "type": (2, "The tile is not built for the type, or another one does not go with it"),
    "size": (3, "K, M or N is 0 or beyond the limits"),
    "address": (4, "An SBUF address is misaligned, or the operand leaves the SBUF"),
    "psum": (5, "The bank does not exist, or the columns leave the bank"),
    "semaphore": (6, "A semaphore index does not exist"),
    "loop": (7, "A loop is empty, too long for the tile, in another loop, or waits or signals"),
    "weights": (8, "A multiply has no load before it, or exceeds its K or M, or differs in class"),
    "unwritten": (9, "A column adds to PSUM words that were not written since their release"),
    "deadlock": (10, "The instruction has waited for a semaphore as long as WATCHDOG allows"),
}
"""Causes in the error registers: name to (value, meaning)."""


@dataclasses.dataclass(frozen=True)
class Field:
    """A field of an instruction.

    Parameters
    ----------
    name : :class:`str`
        Lower-case name, unique in the table.
    lsb, width : :class:`int`
        Lowest bit in the 256-bit instruction, and bits. A field does not cross a word.
    doc : :class:`str`
        One line for the tables.
    values : :class:`dict`, optional
        Names for values, used by the text form and the C header.
    signed : :class:`bool`
        Two's complement.
    """

    name: str
    lsb: int
    width: int
    doc: str
    values: dict[str, int] | None = None
    signed: bool = False


@dataclasses.dataclass(frozen=True)
class Opcode:
    """An instruction.

    Parameters
    ----------
    value : :class:`int`
        Value of the ``opcode`` field.
    engine : :class:`str`
        ``tensor``, ``activation`` or ``any``.
    fields : tuple of :class:`str`
        Fields that it uses beside the header.
    doc : :class:`str`
        What it does.
    """

    value: int
    engine: str
    fields: tuple[str, ...]
    doc: str


OPCODES = {
    "nop": Opcode(0x01, "any", (), "Waits and signals only; does not wait for earlier work."),
    "fence": Opcode(0x02, "any", (), "Waits until every earlier instruction of the engine has "
                                     "finished, then signals."),
    "loop": Opcode(0x03, "any", ("n", "k"), "Executes the K instructions that follow N times; each "
                                            "of them steps by its own step fields."),
    "load_stationary": Opcode(
        0x10, "tensor", ("type", "address", "m", "address_step", "k"),
        "Reads stationary[K, M] into the weight registers that the array does not use; the "
        "multiplies that follow use them. Signals when its SBUF operand has been read."),
    "multiply_moving": Opcode(
        0x11, "tensor",
        ("type", "accumulate", "fresh", "address", "m", "n", "address_step", "bank", "offset",
         "column_step", "k"),
        "PSUM[M, N] (+)= stationary[K, M].T @ moving[K, N]. Signals when its last result is in "
        "PSUM."),
    "activate": Opcode(
        0x20, "activation",
        ("type", "from_sbuf", "bias", "relu", "release", "output", "stochastic", "address", "m",
         "n", "address_step", "bank", "offset", "column_step", "bias_address", "destination",
         "multiplier", "shift", "bias_step", "destination_step"),
        "Reads 32-bit words [M, N] from PSUM or SBUF, adds a bias, applies ReLU, converts, writes "
        "to SBUF. Signals when its last word is in SBUF."),
    "pattern": Opcode(
        0x21, "activation",
        ("count0", "count1", "count2", "count3", "stride0", "stride1", "stride2", "stride3",
         "slot"),
        "Sets the access pattern of one operand of the vector instructions that follow."),
    "tensor_tensor": Opcode(
        0x22, "activation",
        ("type", "output", "address", "m", "n", "address_step", "bias_address", "destination",
         "operation", "patterns", "bias_step", "destination_step"),
        "Computes [M, N] elements of `output` from one or two tensors in SBUF. Signals when its "
        "last element is in SBUF."),
    "memset": Opcode(
        0x23, "activation",
        ("m", "n", "value", "destination", "patterns", "element", "destination_step"),
        "Writes `value` to [M, N] elements in SBUF. Signals when its last element is there."),
    "transpose": Opcode(
        0x24, "activation",
        ("address", "m", "address_step", "k", "destination", "patterns", "element",
         "destination_step"),
        "Reads [K, M] elements in SBUF and writes [M, K], each bit for bit. Signals when its last "
        "element is in SBUF."),
}

HEADER = ("opcode", "once", "interrupt", "wait", "consume", "wait_index", "wait_value",
          "add_index", "add_value")

FIELDS: tuple[Field, ...] = (
    Field("opcode", 0, 8, "What to do", {name: op.value for name, op in OPCODES.items()}),
    Field("type", 8, 4, "Number format: of the operand; for activate of the accumulator (int8: "
                        "INT32, every other: FP32)", TYPES),
    Field("accumulate", 12, 1, "Add to PSUM instead of overwriting it"),
    Field("from_sbuf", 13, 1, "Read the source from SBUF, at `address`, instead of PSUM"),
    Field("bias", 14, 1, "Add the bias word of each partition"),
    Field("relu", 15, 1, "Replace negative values by zero, after the bias"),
    Field("release", 16, 1, "Forget the PSUM bank when the instruction has finished: before a word "
                            "is added to again, it must be written"),
    Field("output", 17, 3, "Format of the result", OUTPUTS),
    Field("once", 20, 1, "In a loop: wait in the first iteration only, signal in the last only"),
    Field("fresh", 21, 1, "In the first iteration of a loop: overwrite, whatever `accumulate` "
                          "says"),
    Field("stochastic", 22, 1, "Round to int8 or bf16 up or down at random, by the fraction that "
                               "is lost"),
    Field("interrupt", 23, 1, "Set the engine's done flag when the instruction signals"),
    Field("wait", 24, 1, "Start only when semaphore[wait_index] >= wait_value"),
    Field("consume", 25, 1, "Subtract wait_value from the semaphore when the wait is over"),
    Field("wait_index", 26, 6, "Semaphore to wait for"),
    Field("wait_value", 32, 16, "Value to wait for"),
    Field("add_index", 48, 6, "Semaphore to signal"),
    Field("add_value", 54, 8, "Amount to add when the instruction has finished; 0: no signal"),
    Field("address", 64, 24, "Byte address of the SBUF operand in each partition, a multiple of 8, "
                             "for vector instructions of the element's bytes"),
    Field("m", 88, 8, "Columns of the array, partitions of PSUM: 1 to S"),
    Field("n", 96, 16, "Moving columns, words of each PSUM partition: 1 to 4 S; to 65535 where "
                       "source and result are in SBUF; iterations of a loop"),
    Field("address_step", 112, 16, "In a loop: added to `address` after each iteration, in units "
                                   "of 8 bytes", signed=True),
    Field("bank", 128, 8, "PSUM bank"),
    Field("offset", 136, 8, "First column in the PSUM bank; offset + n <= 4 S"),
    Field("column_step", 144, 16, "In a loop: added to the PSUM position, bank * 4 S + offset, "
                                  "after each iteration; behind the last bank comes the first",
          signed=True),
    Field("bias_address", 160, 24, "Byte address of the 32-bit bias in each partition, a multiple "
                                   "of 8; of the second operand of tensor_tensor"),
    Field("k", 184, 8, "Rows: contraction length, partitions of what is transposed, 1 to S; "
                       "instructions in the body of a loop"),
    Field("destination", 192, 24, "Byte address of the result in each partition, aligned as "
                                  "`address`"),
    Field("multiplier", 216, 16, "Unsigned multiplier of requantisation"),
    Field("shift", 232, 6, "Right shift of requantisation, 0 to 47"),
    Field("bias_step", 238, 2, "In a loop: added to `bias_address` after each iteration, in units "
                               "of 8 bytes"),
    Field("destination_step", 240, 16, "In a loop: added to `destination` after each iteration, "
                                       "in units of 8 bytes", signed=True),
    *(Field(f"count{i}", 64 + 16 * i, 16, f"Elements along dimension {i} of an access pattern; 0: "
                                          "one. Dimension 0 is the innermost")
      for i in range(4)),
    *(Field(f"stride{i}", 128 + 16 * i, 16, f"Distance of neighbours along dimension {i}, in "
                                            "elements", signed=True)
      for i in range(4)),
    Field("value", 160, 32, "What is written, in the low bits"),
    Field("operation", 216, 4, "What tensor_tensor does", OPERATIONS),
    Field("patterns", 220, 3, "Operands that follow their access pattern, a bit each: 0 source, "
                              "1 second operand, 2 destination; the others are contiguous"),
    Field("element", 223, 2, "Size of an element", {"byte": 0, "half": 1, "word": 2}),
    Field("slot", 225, 2, "Operand whose pattern is set", {"source": 0, "other": 1,
                                                           "destination": 2}),
)
"""Fields of different instructions may share bits."""

_FIELD = {field.name: field for field in FIELDS}
_OPCODE_NAME = {op.value: name for name, op in OPCODES.items()}


class Instruction:
    """One instruction: a mnemonic and the values of its fields.

    Parameters
    ----------
    mnemonic : :class:`str`
        A key of :data:`OPCODES`.
    **fields
        Values of header fields and of the opcode's own fields; names may stand for values of
        fields that have them (``type="bf16"``). What is left out is 0.

    Raises
    ------
    :exc:`ValueError`
        If the mnemonic or a field is unknown, or a value does not fit.
    """

    def __init__(self, mnemonic: str, **fields: int | str):
        if mnemonic not in OPCODES:
            raise ValueError(f"Mnemonic must be one of {', '.join(OPCODES)}, not {mnemonic!r}")
        self.mnemonic = mnemonic
        self.fields: dict[str, int] = {}
        for name, value in fields.items():
            if name == "opcode" or name not in HEADER + OPCODES[mnemonic].fields:
                raise ValueError(f"Instruction {mnemonic} has no field {name!r}")
            self.fields[name] = _value(_FIELD[name], value)

    def __getitem__(self, name: str) -> int:
        return self.fields.get(name, 0)

    def __eq__(self, other):
        return isinstance(other, Instruction) and assemble(self) == assemble(other)

    def __hash__(self):
        return hash(assemble(self))

    def __str__(self):
        parts = []
        for field in FIELDS:
            value = self.fields.get(field.name, 0)
            if value:
                names = {number: name for name, number in (field.values or {}).items()}
                text = names.get(value, hex(value) if field.width == 24 else str(value))
                parts.append(f"{field.name}={text}")
        return " ".join([self.mnemonic, *parts])

    def __repr__(self):
        return f"<{self}>"


def _value(field: Field, value: int | str) -> int:
    if isinstance(value, str):
        if not field.values or value not in field.values:
            raise ValueError(f"Field {field.name} must be one of {', '.join(field.values or {})}, "
                             f"not {value!r}")
        return field.values[value]
    value = int(value)
    low = -(1 << field.width - 1) if field.signed else 0
    if not low <= value < low + (1 << field.width):
        raise ValueError(f"Field {field.name} must fit in {field.width} bits, not {value!r}")
    return value


def assemble(instruction: Instruction) -> bytes:
    """Return the 32 bytes of ``instruction``."""
    word = OPCODES[instruction.mnemonic].value
    for name, value in instruction.fields.items():
        field = _FIELD[name]
        word |= (value & (1 << field.width) - 1) << field.lsb
    return word.to_bytes(INSTRUCTION_BYTES, "little")


def disassemble(code: bytes) -> Instruction:
    """Return the instruction that ``code`` encodes.

    Raises
    ------
    :exc:`ValueError`
        If ``code`` is not 32 bytes, the opcode is unknown, or a bit outside its fields is set.
    """
    if len(code) != INSTRUCTION_BYTES:
        raise ValueError(f"An instruction must be {INSTRUCTION_BYTES} bytes, not {len(code)}")
    word = int.from_bytes(code, "little")
    if word & 0xff not in _OPCODE_NAME:
        raise ValueError(f"Unknown opcode {word & 0xff:#04x}")
    mnemonic = _OPCODE_NAME[word & 0xff]
    values = {}
    for name in HEADER + OPCODES[mnemonic].fields:
        field = _FIELD[name]
        value = word >> field.lsb & (1 << field.width) - 1
        if field.signed and value >> field.width - 1:
            value -= 1 << field.width
        if name != "opcode" and value:
            values[name] = value
    instruction = Instruction(mnemonic, **values)
    if assemble(instruction) != bytes(code):
        raise ValueError(f"Bits outside the fields of {mnemonic} must be 0")
    return instruction


def parse(text: str) -> Instruction:
    """Return the instruction written as :class:`str` of an :class:`Instruction` writes it."""
    mnemonic, *parts = text.split()
    fields: dict[str, int | str] = {}
    for part in parts:
        name, separator, value = part.partition("=")
        if not separator:
            raise ValueError(f"Expected field=value, not {part!r}")
        fields[name] = int(value, 0) if value.lstrip("-")[:1].isdigit() else value
    return Instruction(mnemonic, **fields)


def c_header() -> str:
    """Return a C header: constants, and one inline function for each instruction.

    Header fields come as one word, an OR of ``tile_wait()``, ``tile_signal()`` and
    ``TILE_INTERRUPT``; every function writes the four 64-bit words of its instruction to ``w``,
    as in ``tile_load_stationary(w, tile_signal(2, 1), (struct tile_fields){.k = 8, .m = 8})``.
    """
    lines = ["/* Generated from rtl/matmul/encoding.py. Do not edit. */",
             "#ifndef TILICHO_TILE_ISA_H", "#define TILICHO_TILE_ISA_H", "#include <stdint.h>", ""]
    for name, op in OPCODES.items():
        lines.append(f"#define TILE_OP_{name.upper()} {op.value:#04x}")
    for prefix, names in (("TYPE", TYPES), ("OUTPUT", OUTPUTS)):
        lines += [f"#define TILE_{prefix}_{name.upper()} {value}" for name, value in names.items()]
    lines += [f"#define TILE_ERROR_{name.upper()} {value}"
              for name, (value, _) in ERROR_CAUSES.items()]
    lines += ["", "/* Header bits, combined with |; 0 waits for nothing and signals nothing. */",
              *_c_function("tile_wait", ("wait_index", "wait_value"), ("wait",)),
              *_c_function("tile_wait_consume", ("wait_index", "wait_value"), ("wait", "consume")),
              *_c_function("tile_signal", ("add_index", "add_value"), ()),
              f"#define TILE_INTERRUPT ((uint64_t)1 << {_FIELD['interrupt'].lsb})", ""]
    lines += ["/* Fields of the instructions; name those that are meant, the others are 0. */",
              "struct tile_fields {",
              *(f"    uint64_t {field.name}; /* {field.doc} */" for field in FIELDS
                if field.name not in HEADER), "};", ""]
    for name, op in OPCODES.items():
        lines.append(f"/* {op.doc} */")
        arguments = ", struct tile_fields f" if op.fields else ""
        lines.append(f"static inline void tile_{name}(uint64_t w[4], uint64_t header{arguments})")
        lines.append("{")
        for index in range(4):
            terms = [f"header | TILE_OP_{name.upper()}"] if index == 0 else []
            terms += [_c_term(_FIELD[field], index, "f.") for field in op.fields
                      if _FIELD[field].lsb // 64 == index]
            lines.append(f"    w[{index}] = {' | '.join(terms) or '0'};")
        lines += ["}", ""]
    return "\n".join([*lines, "#endif", ""])


def _c_term(field: Field, index: int, prefix: str = "") -> str:
    return f"({prefix}{field.name} & {(1 << field.width) - 1:#x}) << {field.lsb - 64 * index}"


def _c_function(name: str, arguments: tuple[str, ...], ones: tuple[str, ...]) -> list[str]:
    terms = [f"(uint64_t)1 << {_FIELD[one].lsb}" for one in ones]
    terms += [_c_term(_FIELD[argument], 0) for argument in arguments]
    parameters = ", ".join(f"uint64_t {argument}" for argument in arguments)
    return [f"static inline uint64_t {name}({parameters})",
            "{", f"    return {' | '.join(terms)};", "}"]


def markdown_tables() -> str:
    """Return the tables of ``docs/tile-isa.md``: instructions, fields, error causes."""
    lines = ["| Mnemonic | Opcode | Engine | Fields beside the header | What it does |",
             "|---|---|---|---|---|"]
    for name, op in OPCODES.items():
        fields = ", ".join(f"`{field}`" for field in op.fields) or "-"
        lines.append(f"| `{name}` | {op.value:#04x} | {op.engine} | {fields} | {op.doc} |")
    lines += ["", "| Field | Word | Bits | Meaning |", "|---|---|---|---|"]
    for field in FIELDS:
        word, lsb = divmod(field.lsb, 64)
        bits = f"{lsb + field.width - 1}:{lsb}" if field.width > 1 else f"{lsb}"
        values = ""
        if field.values and field.name != "opcode":
            values = ": " + ", ".join(f"{value} `{name}`" for name, value in field.values.items())
        lines.append(f"| `{field.name}` | {word} | {bits} | {field.doc}{values} |")
    lines += ["", "| Cause | Value | Meaning |", "|---|---|---|"]
    lines += [f"| `{name}` | {value} | {doc} |" for name, (value, doc) in ERROR_CAUSES.items()]
    return "\n".join(lines) + "\n"
