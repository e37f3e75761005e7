"""Golden model of the hardware loops: a program with its loops unrolled."""

from collections.abc import Iterable, Iterator

from rtl.matmul.encoding import Instruction

__all__ = ["unroll"]

STEP_BYTES = 8
ADDRESS_MODULUS = 1 << 24


def unroll(program: Iterable[Instruction], *, size: int, psum_banks: int) -> Iterator[Instruction]:
    """Yield the instructions that an engine executes for a program of its queue, in order.

    Addresses wrap modulo 2**24, PSUM positions behind the last bank. Every loop must be right; a
    program that ends inside of a body yields what there is of its first iteration.
    """
    instructions = iter(program)
    for instruction in instructions:
        if instruction.mnemonic != "loop":
            yield _iteration(instruction, 0, 1, size, psum_banks)
            continue
        body: list[Instruction] = []
        while len(body) < instruction["k"] and (follower := next(instructions, None)):
            yield _iteration(follower, 0, instruction["n"], size, psum_banks)
            body.append(follower)
        for index in range(1, instruction["n"]):
            for follower in body:
                yield _iteration(follower, index, instruction["n"], size, psum_banks)


def _iteration(instruction: Instruction, index: int, count: int, size: int,
               psum_banks: int) -> Instruction:
    """Return ``instruction`` as it is executed in iteration ``index`` of ``count``."""
    fields = dict(instruction.fields)
    if fields.get("fresh") and index == 0:
        fields.pop("accumulate", None)
    if fields.get("once"):
        for name in (*(("wait", "consume") if index else ()),
                     *(("add_value", "interrupt") if index != count - 1 else ())):
            fields.pop(name, None)
    for name, step in (("address", "address_step"), ("destination", "destination_step"),
                       ("bias_address", "bias_step")):
        if step in fields:
            fields[name] = (fields.get(name, 0) + STEP_BYTES * index * fields[step]
                            ) % ADDRESS_MODULUS
    if index and "column_step" in fields:
        width = 4 * size
        position = fields.get("bank", 0) * width + fields.get("offset", 0)
        position = (position + index * fields["column_step"]) % (psum_banks * width)
        fields["bank"], fields["offset"] = divmod(position, width)
    return Instruction(instruction.mnemonic, **{
        name: value for name, value in fields.items()
        if name not in ("once", "fresh") and not name.endswith("_step")})
