"""Registers declared once: plain Python, from which gateware, C, and documentation are made."""

import dataclasses

__all__ = ["Field", "Register", "RegisterMap"]

ACCESSES = ("rw", "ro", "wo", "w1c")


@dataclasses.dataclass(frozen=True)
class Field:
    """Bits of a register.

    Parameters
    ----------
    name : :class:`str`
        Lower-case name.
    width : :class:`int`
        Bits.
    access : :class:`str`
        ``rw`` (software reads what it wrote), ``ro`` (hardware drives it), ``wo`` (a write is a
        command to hardware; reads as 0), ``w1c`` (hardware sets bits, software clears them by
        writing 1).
    doc : :class:`str`
        One line.
    lsb : :class:`int` or None
        Lowest bit; by default behind the field before it.
    reset : :class:`int`
        Value of an ``rw`` field after reset.
    """

    name: str
    width: int
    access: str
    doc: str
    lsb: int | None = None
    reset: int = 0

    def __post_init__(self):
        if self.access not in ACCESSES:
            raise ValueError(f"Access of field {self.name} must be one of {', '.join(ACCESSES)}, "
                             f"not {self.access!r}")
        if not 1 <= self.width <= 32:
            raise ValueError(f"Width of field {self.name} must be 1 to 32, not {self.width!r}")

    @property
    def mask(self) -> int:
        """Bits of the placed field within its register."""
        return ((1 << self.width) - 1) << (self.lsb or 0)


class Register:
    """A 32-bit register.

    Parameters
    ----------
    name : :class:`str`
        Upper-case name.
    offset : :class:`int`
        Byte offset in the map, a multiple of 4.
    doc : :class:`str`
        One line.
    fields : list of :class:`Field`
        Fields, which get their ``lsb`` here. A ``wo`` field may lie on the bits of a ``ro`` field,
        as in a data register that pushes and pops.
    read_strobe : :class:`bool`
        Reading has a side effect: tell hardware when it happens.
    lockable : :class:`bool`
        Hardware may forbid writes for a while: they answer SLVERR and change nothing.

    Raises
    ------
    :exc:`ValueError`
        If other fields overlap, do not fit into 32 bits, or the offset is not a multiple of 4.
    """

    def __init__(self, name: str, offset: int, doc: str, fields: list[Field], *,
                 read_strobe: bool = False, lockable: bool = False):
        if offset % 4 or offset < 0:
            raise ValueError(f"Offset of register {name} must be a multiple of 4, not {offset!r}")
        self.name = name
        self.offset = offset
        self.doc = doc
        self.read_strobe = read_strobe
        self.lockable = lockable
        placed, position = [], 0
        used = {"read": 0, "write": 0}
        for field in fields:
            lsb = position if field.lsb is None else field.lsb
            field = dataclasses.replace(field, lsb=lsb)
            sides = {"ro": ("read",), "wo": ("write",)}.get(field.access, ("read", "write"))
            if lsb + field.width > 32 or any(used[side] & field.mask for side in sides):
                raise ValueError(f"Field {name}.{field.name} overlaps another or ends behind "
                                 f"bit 31")
            for side in sides:
                used[side] |= field.mask
            position = lsb + field.width
            placed.append(field)
        self.fields = tuple(placed)

    def field(self, name: str) -> Field:
        """Return the field called ``name``; raises :exc:`KeyError` if there is none."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)


class RegisterMap:
    """The registers of a block.

    Parameters
    ----------
    name : :class:`str`
        Name of the block, a C identifier in lower case.
    doc : :class:`str`
        One line.
    registers : list of :class:`Register`
        Registers at distinct offsets, under distinct names.
    """

    def __init__(self, name: str, doc: str, registers: list[Register]):
        self.name = name
        self.doc = doc
        self.registers = tuple(sorted(registers, key=lambda register: register.offset))
        for key in ("name", "offset"):
            values = [getattr(register, key) for register in registers]
            twice = {value for value in values if values.count(value) > 1}
            if twice:
                raise ValueError(f"Registers of {name} must differ in {key}, not share {twice!r}")

    @property
    def addr_width(self) -> int:
        """Address bits that cover every register."""
        return max(2, (max(register.offset for register in self.registers) + 3).bit_length())

    def register(self, name: str) -> Register:
        """Return the register called ``name``; raises :exc:`KeyError` if there is none."""
        for register in self.registers:
            if register.name == name:
                return register
        raise KeyError(name)
