"""Memory accesses, as the pipeline asks for them."""

from amaranth.lib import data

from rtl.core.dcache import Maintenance

__all__ = ["AccessLayout", "NextAccessLayout"]


class NextAccessLayout(data.StructLayout):
    """What is known of an access in the cycle before it begins.

    Members
    -------
    addr : 64, size_log2 : 2, write, two : 1
        As in :class:`AccessLayout`.
    strict : 1
        An unaligned address faults in Normal memory, too.
    plain : 1
        Not an exclusive store, the first of an exclusive pair, skipped or maintenance.
    release : 1
        Waits for earlier stores.
    behind : 1
        As in :class:`AccessLayout`.
    held, careful : 1
        A register write waits for the end of this access; the access belongs to the instruction of
        the one in front of it, but is not known to hit if that has hit.
    """

    def __init__(self):
        super().__init__({"addr": 64, "size_log2": 2, "write": 1, "two": 1, "strict": 1,
                          "plain": 1, "release": 1, "behind": 1, "held": 1, "careful": 1})


class AccessLayout(data.StructLayout):
    """One access of up to 8 bytes, or of two elements, as the pipeline asks for it.

    Members
    -------
    valid, write : 1
        The access is to be made; it is a store.
    addr, data : 64
        Byte address, and the data to store, right-aligned.
    size_log2 : 2
        Bytes as a power of two.
    two : 1, second : 64
        Two elements of 4 or 8 bytes in one row of 16 bytes, aligned to their size; the data of
        the second one.
    behind : 1
        The second one of two elements that are accessed one after the other.
    signed, wide : 1
        A load extends the sign, to 64 bits instead of 32.
    aligned : 1
        An unaligned address faults in Normal memory, too.
    exclusive, acquire, release : 1
        Exclusive access through the monitor; ordered access.
    restricted, pair : 1
        Only aligned Normal memory will do; aligned to twice the size.
    skip : 1
        Check the address, but store nothing.
    ignored : 1
        What is loaded is not wanted as a result.
    maintenance : :class:`Maintenance`, by_set : 1
        Do this to the line instead.
    cached : 1
        Normal memory may be cached.
    """

    def __init__(self):
        super().__init__({
            "valid": 1, "write": 1, "size_log2": 2, "signed": 1, "wide": 1, "aligned": 1,
            "exclusive": 1, "acquire": 1, "release": 1, "addr": 64, "data": 64,
            "restricted": 1, "pair": 1, "skip": 1, "ignored": 1, "maintenance": Maintenance,
            "by_set": 1, "cached": 1, "two": 1, "second": 64, "behind": 1,
        })
