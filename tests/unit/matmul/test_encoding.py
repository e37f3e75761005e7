"""The table of instructions: layout, text form, C header, and the page made from it."""

import random
import re
from pathlib import Path

import pytest
from amaranth import Signal

from rtl.matmul import encoding
from rtl.matmul.encoding import FIELDS, HEADER, OPCODES, Instruction
from rtl.matmul.instruction import ENGINE_FIELDS, InstructionLayout

ROOT = Path(__file__).resolve().parents[3]


def random_instruction(rng: random.Random) -> Instruction:
    mnemonic = rng.choice(list(OPCODES))
    names = [name for name in HEADER + OPCODES[mnemonic].fields if name != "opcode"]
    table = {field.name: field for field in FIELDS}
    values = {}
    for name in rng.sample(names, rng.randrange(len(names))):
        values[name] = rng.randrange(1 << table[name].width)
        if table[name].signed:
            values[name] -= 1 << table[name].width - 1
    return Instruction(mnemonic, **values)


def test_fields_neither_overlap_nor_cross_words():
    table = {field.name: field for field in FIELDS}
    assert len(table) == len(FIELDS)
    for op in OPCODES.values():
        used = 0
        for field in map(table.get, HEADER + op.fields):
            mask = (1 << field.width) - 1 << field.lsb
            assert not used & mask, field.name
            assert field.lsb // 64 == (field.lsb + field.width - 1) // 64, field.name
            used |= mask
        assert used < 1 << 8 * encoding.INSTRUCTION_BYTES


def test_assembly_and_text_are_reversible():
    rng = random.Random(1)
    for _ in range(300):
        instruction = random_instruction(rng)
        code = encoding.assemble(instruction)
        assert len(code) == 32
        assert encoding.disassemble(code) == instruction
        assert encoding.parse(str(instruction)) == instruction


def test_hand_assembled_word():
    code = encoding.assemble(Instruction("multiply_moving", type="bf16", accumulate=1, k=8, m=7,
                                         n=32, address=0x1238, bank=2, offset=3))
    words = [int.from_bytes(code[i:i + 8], "little") for i in range(0, 32, 8)]
    assert words == [0x1111, 0x20 << 32 | 7 << 24 | 0x1238, 8 << 56 | 3 << 8 | 2, 0]


def test_signed_fields():
    instruction = Instruction("multiply_moving", address_step=-1, column_step=-0x8000)
    code = int.from_bytes(encoding.assemble(instruction), "little")
    assert code >> 112 & 0xFFFF == 0xFFFF and code >> 144 & 0xFFFF == 0x8000
    assert str(instruction) == "multiply_moving address_step=-1 column_step=-32768"
    assert encoding.parse(str(instruction)) == instruction


def test_refusals():
    with pytest.raises(ValueError, match="Mnemonic must be one of nop"):
        Instruction("multiply")
    with pytest.raises(ValueError, match="has no field 'bank'"):
        Instruction("load_stationary", bank=1)
    with pytest.raises(ValueError, match="k must fit in 8 bits, not 256"):
        Instruction("load_stationary", k=256)
    with pytest.raises(ValueError, match="address_step must fit in 16 bits, not 32768"):
        Instruction("load_stationary", address_step=0x8000)
    with pytest.raises(ValueError, match="type must be one of int8, bf16, .*, not 'fp4'"):
        Instruction("load_stationary", type="fp4")
    with pytest.raises(ValueError, match="Unknown opcode 0x00"):
        encoding.disassemble(bytes(32))
    with pytest.raises(ValueError, match="outside the fields of nop"):
        encoding.disassemble(bytes([1] + [0] * 30 + [1]))
    with pytest.raises(ValueError, match="Expected field=value"):
        encoding.parse("nop wait")


def test_layout_has_the_fields_of_the_table():
    for engine, names in ENGINE_FIELDS.items():
        layout = InstructionLayout(engine)
        code = Signal(256)
        bits = list(range(256))
        for field in (field for field in FIELDS if field.name in names):
            start = layout[field.name].offset
            assert layout[field.name].width == field.width
            assert layout.bits[start:start + field.width] == bits[field.lsb:][:field.width]
        assert len(layout.extract(code)) == layout.size == len(layout.bits) <= 256
    assert "n" in ENGINE_FIELDS["tensor"] and "multiplier" not in ENGINE_FIELDS["tensor"]


def test_page_agrees_with_the_table():
    page = (ROOT / "docs" / "tile-isa.md").read_text()
    assert encoding.markdown_tables() in page, "write the tables of the page again"


def test_c_header_builds_the_same_words():
    """The C expressions are evaluated as Python, which reads them alike."""
    header = encoding.c_header()
    for mnemonic, op in OPCODES.items():
        body = header.split(f"tile_{mnemonic}(uint64_t w[4]")[1].split("}")[0]
        expressions = re.findall(r"w\[\d\] = (.*);", body)
        values = {field: index + 1 for index, field in enumerate(op.fields)}
        names = {f"TILE_OP_{name.upper()}": other.value for name, other in OPCODES.items()}
        fields = type("f", (), values)
        words = [eval(text, {"header": 0, "f": fields, **names}) for text in expressions]
        widths = {field.name: field.width for field in FIELDS}
        expected = Instruction(mnemonic, **{name: value & (1 << widths[name]) - 1
                                            for name, value in values.items()})
        assert b"".join(word.to_bytes(8, "little") for word in words) == encoding.assemble(expected)
