"""Address decoding."""

from collections.abc import Sequence

from amaranth import Cat, Value

__all__ = ["address_matches"]


def address_matches(addr: Value, ranges: Sequence) -> Value:
    """Return whether ``addr`` lies in one of ``ranges``, each with a ``base`` and a ``size``.

    A size is a power of two and a base a multiple of it, so that only upper bits are compared.
    """
    hits = []
    for entry in ranges:
        shift = (entry.size - 1).bit_length()
        hits.append(addr[shift:] == entry.base >> shift)
    return Cat(*hits).any()
