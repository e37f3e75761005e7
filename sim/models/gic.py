"""Golden model of the interrupt controller: a GICv3 subset for one core, group 1 only."""

__all__ = ["GICR", "GicModel", "SGI_PAGE", "SPURIOUS"]

SPURIOUS = 1023
PPIS = (23, 27, 30)
GICR = 0xA0000
SGI_PAGE = GICR + 0x10000
PRIORITY_MASK = 0xF0
MINIMUM_BPR = 4

_SETS = {0x100: "enabled", 0x200: "pending", 0x300: "active"}

# First offset, INTIDs in a word, words.
_ARRAYS = ((0x080, 32, 2), (0x100, 32, 2), (0x180, 32, 2), (0x200, 32, 2), (0x280, 32, 2),
           (0x300, 32, 2), (0x380, 32, 2), (0x400, 4, 16), (0xC00, 16, 4))


class GicModel:
    """State of all interrupts and of the CPU interface.

    Addresses are offsets from the distributor's; the redistributor is at :data:`GICR`.

    Parameters
    ----------
    spis : :class:`int`
        Shared peripheral interrupts, from INTID 32 on.
    """

    def __init__(self, spis: int):
        self.spis = spis
        self.ids = [*range(16), *PPIS, *range(32, 32 + spis)]
        self.enabled: set[int] = set()
        self.pending: set[int] = set()
        self.active: set[int] = set()
        self.edge = set(range(16))
        self.priority = dict.fromkeys(self.ids, 0)
        self.lines: set[int] = set()
        self.distributor = False
        self.asleep = True
        self.group = self.split = False
        self.pmr, self.bpr, self.levels = 0, MINIMUM_BPR, 0

    def set_lines(self, lines: set[int]) -> None:
        """Let the lines of PPIs and SPIs be as they are now; a rising one is an edge."""
        self.pending |= (lines - self.lines) & self.edge
        self.lines = set(lines)

    def _asks(self, intid: int) -> bool:
        return intid in self.pending or (intid in self.lines and intid not in self.edge)

    @property
    def best(self) -> int:
        """Highest-priority interrupt that is pending and enabled; the lowest number of several."""
        ready = [intid for intid in self.ids if self._asks(intid) and intid in self.enabled
                 and intid not in self.active]
        if not ready or not self.distributor or self.asleep:
            return SPURIOUS
        return min(ready, key=lambda intid: (self.priority[intid], intid))

    @property
    def running(self) -> int:
        """Priority of the interrupt at work, 0xff without one."""
        return 16 * ((self.levels & -self.levels).bit_length() - 1) if self.levels else 0xff

    def _group_priority(self, intid: int) -> int:
        return self.priority[intid] & 0xff << self.bpr & 0xff

    @property
    def signalled(self) -> int:
        """What IAR1 would return: an interrupt above the mask and above the one at work."""
        best = self.best
        if best == SPURIOUS or not self.group or self.priority[best] >= self.pmr or (
                self._group_priority(best) >= self.running):
            return SPURIOUS
        return best

    def _word(self, members: set[int], word: int) -> int:
        return sum(1 << intid % 32 for intid in self.ids
                   if intid // 32 == word and intid in members)

    def read(self, address: int) -> int:
        """Return a 32-bit register."""
        fixed = {
            0x0: 0x50 | self.distributor << 1, 0x4: 1 << 25 | 9 << 19 | 1 << 16 | 1,
            GICR + 0x8: 1 << 4, GICR + 0x14: 6 * self.asleep,
            0xFFE8: 0x3B, GICR + 0xFFE8: 0x3B,
        }
        if address in fixed:
            return fixed[address]
        place = self._place(address)
        if place is None:
            return 0
        kind, word = place
        if kind == 0x080:
            return self._word(set(self.ids), word)
        if kind in (0x100, 0x180):
            return self._word(self.enabled, word)
        if kind in (0x200, 0x280):
            return self._word({intid for intid in self.ids if self._asks(intid)}, word)
        if kind in (0x300, 0x380):
            return self._word(self.active, word)
        if kind == 0x400:
            return sum(self.priority.get(4 * word + i, 0) << 8 * i for i in range(4))
        return sum(2 << 2 * (intid % 16) for intid in self.edge if intid // 16 == word)

    def write(self, address: int, value: int, strobes: int = 15) -> None:
        """Write the strobed bytes of a 32-bit register."""
        value &= sum(0xff << 8 * i for i in range(4) if strobes >> i & 1)
        if address == 0:
            if strobes & 1:
                self.distributor = bool(value & 2)
        elif address in (0x40, 0x48):
            intid = value & 0x3ff
            if intid in self.ids and intid >= 32 and strobes & 3 == 3:
                (self.pending.add if address == 0x40 else self.pending.discard)(intid)
        elif address == GICR + 0x14:
            if strobes & 1:
                self.asleep = bool(value & 2)
        elif (place := self._place(address)) is not None:
            self._write_interrupts(*place, value, strobes)

    def _write_interrupts(self, kind: int, word: int, value: int, strobes: int) -> None:
        if kind == 0x400:
            for i in range(4):
                if strobes >> i & 1 and 4 * word + i in self.priority:
                    self.priority[4 * word + i] = value >> 8 * i & PRIORITY_MASK
        elif kind == 0xC00:
            for intid in self.ids:
                if intid // 16 == word and intid >= 32 and strobes >> intid % 16 // 4 & 1:
                    (self.edge.add if value >> 2 * (intid % 16) + 1 & 1
                     else self.edge.discard)(intid)
        elif kind != 0x080:
            members = getattr(self, _SETS[kind & ~0x80])
            chosen = {intid for intid in self.ids
                      if intid // 32 == word and value >> intid % 32 & 1}
            if kind & 0x80:
                members -= chosen
            else:
                members |= chosen

    def _place(self, address: int) -> tuple[int, int] | None:
        """Return the kind of register and its number; private interrupts are in the other page."""
        private = SGI_PAGE <= address < SGI_PAGE + 0x1000
        offset = address - SGI_PAGE if private else address
        for kind, size, words in _ARRAYS:
            word = (offset - kind) // 4
            if 0 <= word < words and (word * size < 32) == private:
                return kind, word
        return None

    def read_icc(self, name: str) -> int:
        """Return a register of the CPU interface; reading IAR1 takes the interrupt."""
        values = {"HPPIR1": self.best, "PMR": self.pmr, "BPR1": self.bpr,
                  "CTLR": self.split << 1 | 3 << 8, "SRE": 7, "IGRPEN1": int(self.group),
                  "RPR": self.running, "AP1R0": self.levels}
        return self._acknowledge() if name == "IAR1" else values.get(name, 0)

    def _acknowledge(self) -> int:
        intid = self.signalled
        if intid != SPURIOUS:
            self.pending.discard(intid)
            self.active.add(intid)
            self.levels |= 1 << (self._group_priority(intid) >> 4)
        return intid

    def write_icc(self, name: str, value: int) -> None:
        """Write a register of the CPU interface."""
        match name:
            case "EOIR1":
                if value & 0xff_ffff in self.ids:
                    self.levels &= self.levels - 1 if self.levels else 0
                    if not self.split:
                        self.active.discard(value & 0xff_ffff)
            case "DIR":
                if self.split:
                    self.active.discard(value & 0xff_ffff)
            case "PMR":
                self.pmr = value & PRIORITY_MASK
            case "BPR1":
                self.bpr = max(value & 7, MINIMUM_BPR)
            case "CTLR":
                self.split = bool(value & 2)
            case "IGRPEN1":
                self.group = bool(value & 1)
            case "AP1R0":
                self.levels = value & 0xffff
            case "SGI1R":
                elsewhere = value >> 16 & 0xff | value >> 32 & 0x1ff | value >> 44 & 0xfff
                if value & 1 and not elsewhere:
                    self.pending.add(value >> 24 & 15)
