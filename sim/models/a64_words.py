"""Instruction words that random programs put together by hand."""

__all__ = ["DSB", "ISB", "NOP", "add", "address_of", "move", "system_move"]

NOP, DSB, ISB = 0xd503_201f, 0xd503_3b9f, 0xd503_3fdf


def move(register: int, value: int) -> list[int]:
    """Return MOVZ and MOVK that load ``value``."""
    words = [0xd280_0000 | (value & 0xffff) << 5 | register]
    for half in (1, 2, 3):
        part = value >> 16 * half & 0xffff
        if part:
            words.append(0xf280_0000 | half << 21 | part << 5 | register)
    return words


def address_of(register: int, offset: int) -> int:
    """Return ADR of what stands ``offset`` bytes behind it."""
    return 0x1000_0000 | (offset & 3) << 29 | (offset >> 2 & (1 << 19) - 1) << 5 | register


def system_move(name: tuple[int, int, int, int, int], register: int, *, read: bool) -> int:
    """Return MRS or MSR."""
    op0, op1, crn, crm, op2 = name
    return (0xd510_0000 | read << 21 | (op0 & 1) << 19 | op1 << 16 | crn << 12 | crm << 8
            | op2 << 5 | register)


def add(register: int, base: int, offset: int) -> int:
    """Return ADD or SUB of a number below 4096; register 31 is SP."""
    return ((0x9100_0000 if offset >= 0 else 0xd100_0000) | abs(offset) << 10 | base << 5
            | register)
