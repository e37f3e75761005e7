"""Where loads and stores go, by the instruction word."""

import dataclasses
from collections.abc import Callable
from typing import Protocol

__all__ = ["DATA", "LOWER", "SP_ALIGNMENT", "WRITE", "AccessPlan", "access_plan", "extreme",
           "fault_of", "fault_of_fetch", "fault_of_maintenance"]

#: Exception classes in ESR_EL1, of which the lower one of two means EL0.
FETCH, PC_ALIGNMENT, DATA, SP_ALIGNMENT = (
    code << 26 | 1 << 25 for code in (0x21, 0x22, 0x25, 0x26))
LOWER = 1 << 26

#: The access was a store.
WRITE = 1 << 6

#: Status codes of aborts in ESR_EL1.
ADDRESS_SIZE, EXTERNAL, ALIGNMENT, EXCLUSIVE = 0x00, 0x10, 0x21, 0x35

ADDRESS_BITS = 40


class Registers(Protocol):
    """General registers, SP at 31."""

    def __getitem__(self, number: int, /) -> int:
        """Return a register."""
        ...


#: Registers and the address of the instruction, to the address of the access.
AddressOf = Callable[[Registers, int], int]


@dataclasses.dataclass(frozen=True, slots=True)
class AccessPlan:
    """What an instruction asks of memory.

    Parameters
    ----------
    base : :class:`int` or None
        Number of the base register; 31 is SP. None for the program counter.
    size, count : :class:`int`
        Bytes of an element, and elements.
    write : :class:`bool`
        What a fault of it is reported as: a store, else a load.
    alignment : :class:`int`
        Of the address; 1 if Normal memory takes any.
    atomic : :class:`bool`
        Exclusive or atomic: Device memory does not take it.
    address : callable
        Registers and program counter to the address.
    """

    base: int | None
    size: int
    count: int
    write: bool
    alignment: int
    atomic: bool
    address: AddressOf


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> bits - 1 else value


def _at(base: int, offset: int = 0) -> AddressOf:
    return lambda registers, pc: registers[base] + offset & (1 << 64) - 1


def _ordered(word: int, base: int) -> AccessPlan:
    """Exclusives, load-acquire, store-release, compare-and-swap."""
    size, load = 1 << (word >> 30), bool(word >> 22 & 1)
    if word >> 23 & 1:
        atomic = bool(word >> 21 & 1)       # else ordered
        return AccessPlan(base, size, 1, not (load or atomic), size, atomic, _at(base))
    if not word >> 21 & 1:
        return AccessPlan(base, size, 1, not load, size, True, _at(base))
    element = 4 << (word >> 30 & 1)
    swaps = not word >> 31
    return AccessPlan(base, element, 2, not (load or swaps), 2 * element, True, _at(base))


def _pair(word: int, base: int) -> AccessPlan:
    element = 8 if word >> 31 else 4
    after = word >> 23 & 3 == 1
    offset = 0 if after else _signed(word >> 15 & 0x7f, 7) * element
    return AccessPlan(base, element, 2, not word >> 22 & 1, 1, False, _at(base, offset))


def _indexed(word: int, base: int) -> AddressOf:
    """Return base plus a register, extended and shifted."""
    index, option = word >> 16 & 31, word >> 13 & 7
    shift = (word >> 30) * (word >> 12 & 1)

    def address(registers: Registers, _pc: int) -> int:
        value = 0 if index == 31 else registers[index]
        if not option & 1:
            value &= (1 << 32) - 1
            value = _signed(value, 32) if option & 4 else value
        return registers[base] + (value << shift) & (1 << 64) - 1

    return address


def _single(word: int, base: int) -> AccessPlan | None:
    size, operation = 1 << (word >> 30), word >> 22 & 3
    if word >> 24 & 1:
        address = _at(base, (word >> 10 & 0xfff) * size)
    elif word >> 21 & 1 and word >> 10 & 3 == 0:
        acquire = word & 0x00e0_fc00 == 0x00a0_c000
        return AccessPlan(base, size, 1, False, size, not acquire, _at(base))
    elif word >> 21 & 1:
        address = _indexed(word, base)
    else:
        after = word >> 10 & 3 == 1
        address = _at(base, 0 if after else _signed(word >> 12 & 0x1ff, 9))
    if size == 8 and operation == 2:
        return None
    return AccessPlan(base, size, 1, operation == 0, 1, False, address)


def access_plan(word: int) -> AccessPlan | None:
    """Return what ``word`` asks of memory, or None if it is no access of general registers.

    A prefetch is none: it does nothing.
    """
    base = word >> 5 & 31
    if word & 0x3f00_0000 == 0x0800_0000:
        return _ordered(word, base)
    if word & 0x3e00_0000 == 0x2800_0000:
        return _pair(word, base)
    if word & 0x3e00_0000 == 0x3800_0000:
        return _single(word, base)
    if word & 0x3f00_0000 == 0x1800_0000 and word >> 30 != 3:
        offset = _signed(word >> 5 & 0x7ffff, 19) * 4
        size = 8 if word >> 30 == 1 else 4
        return AccessPlan(None, size, 1, False, 1, False,
                          lambda registers, pc: pc + offset & (1 << 64) - 1)
    return None


def fault_of(plan: AccessPlan, address: int, *, normal: bool, strict: bool,
             exists: bool) -> int | None:
    """Return the status code with which an access is refused, or None.

    Parameters
    ----------
    address : :class:`int`
        Of the access.
    normal, exists : :class:`bool`
        There is Normal memory; there is anything.
    strict : :class:`bool`
        SCTLR_EL1.A.
    """
    if address >> ADDRESS_BITS:
        return ADDRESS_SIZE
    if address & (plan.alignment - 1):
        return ALIGNMENT
    if address & (plan.size - 1) and (not normal or strict):
        return ALIGNMENT
    if plan.atomic and not normal:
        return EXCLUSIVE
    return None if exists else EXTERNAL


def fault_of_maintenance(word: int, address: int, *, normal: bool) -> int | None:
    """Return bits 8:0 of ESR_EL1 with which DC by address is refused, or None.

    Parameters
    ----------
    word, address : :class:`int`
        The instruction and the value of its register.
    normal : :class:`bool`
        There is Normal memory at the address.
    """
    zeroes = word >> 8 & 15 == 4
    kind = WRITE if zeroes else 1 << 8 | WRITE      # a store, or maintenance
    if address >> ADDRESS_BITS:
        return kind | ADDRESS_SIZE
    return kind | ALIGNMENT if zeroes and not normal else None


def fault_of_fetch(pc: int, *, at_el0: bool) -> int:
    """Return the syndrome of an instruction at ``pc``, where nothing can be executed."""
    if pc & 3:
        return PC_ALIGNMENT
    return FETCH - LOWER * at_el0 | (ADDRESS_SIZE if pc >> ADDRESS_BITS else EXTERNAL)


def extreme(word: int, size: int, old: int, operand: int) -> int:
    """Return what LDSMAX, LDSMIN, LDUMAX or LDUMIN leaves in memory."""
    sign = 0 if word & 0x2000 else 1 << 8 * size - 1
    choose = min if word & 0x1000 else max
    return choose(old, operand, key=lambda value: value ^ sign)
