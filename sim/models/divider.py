"""Golden model of the core's divider: quotient and cycles."""

__all__ = ["divide"]


def _magnitude(value: int, bits: int, signed: bool) -> tuple[int, bool]:
    value &= (1 << bits) - 1
    negative = signed and bool(value >> bits - 1)
    return (1 << bits) - value if negative else value, negative


def _parts(value: int, bits: int) -> int:
    """Return the number of parts of so many bits that a value has, at least one."""
    return max(1, -(-value.bit_length() // bits))


def divide(a: int, b: int, *, bits: int = 64, signed: bool = False, width: int = 64,
           part: int = 8) -> tuple[int, int]:
    """Divide as the hardware does, by comparisons and subtractions.

    Parameters
    ----------
    a, b : :class:`int`
        Dividend and divisor; what stands above their ``bits`` does not count.
    bits : :class:`int`
        Size of the operation.
    signed : :class:`bool`
        The operands are two's complement.
    width : :class:`int`
        Bits of the registers.
    part : :class:`int`
        Long shift of the divisor in bits, an even number.

    Returns
    -------
    quotient : :class:`int`
        In two's complement of ``bits``.
    cycles : :class:`int`
        From the one with the operands to the one with the quotient.
    """
    remainder, negative_a = _magnitude(a, bits, signed)
    divisor, negative_b = _magnitude(b, bits, signed)
    cycles, steps = 1, 1
    if not divisor:
        return 0, 2
    # A negative divisor is held as it stands, which looks like one less.
    while remainder >= 2 * divisor and not (divisor - negative_b) >> width - 2:
        long = _parts(remainder, part) > _parts(divisor - negative_b, part)
        divisor <<= part if long else 2
        steps += part // 2 if long else 1
        cycles += 1
    quotient = 0
    for _ in range(steps):
        for multiple in (2, 1):
            fits = remainder >= multiple * divisor
            remainder -= multiple * divisor * fits
            quotient = 2 * quotient + fits
        divisor >>= 2
    if negative_a != negative_b:
        quotient = -quotient
    return quotient & (1 << bits) - 1, cycles + steps
