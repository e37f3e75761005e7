"""Random vector instructions for a tile in the simulator."""

from rtl.matmul.encoding import OPERATIONS, Instruction
from sim.models.vector import element_offsets
from tests.system.tile_programs import RandomProgram

ELEMENT = {"byte": 1, "half": 2, "word": 4}
BYTES = {"word": 4, "int8": 1, "bf16": 2}
SLOTS = ("source", "other", "destination")


class VectorProgram(RandomProgram):
    """Random vector instructions: sources in the lower half of SBUF, results in the upper one."""

    def __init__(self, config, seed):
        super().__init__(config, seed, config.types)
        self.instructions = []

    def do(self, mnemonic, **fields):
        """Let the model do it, if it is there, and the tile."""
        getattr(self.state, mnemonic)(**fields)
        self.instructions.append(Instruction(mnemonic, **fields))

    def place(self, slot, count, size):
        """Choose a pattern or none; returns the patterns bit and an address that fits."""
        half = self.config.sbuf_bytes // 2
        patterned = self.integer(0, 1)
        pattern = None
        if patterned:
            pattern = tuple((self.integer(0, 4), self.integer(-6, 6)) for _ in range(4))
            fields = {f"{name}{i}": value for i, pair in enumerate(pattern)
                      for name, value in zip(("count", "stride"), pair, strict=True) if value}
            self.do("pattern", slot=SLOTS[slot], **fields)
        offsets = element_offsets(count, pattern) * size
        low, high = -int(offsets.min()), half - size - int(offsets.max())
        address = self.integer(-(-low // size), high // size) * size
        return patterned << slot, address + half * (slot == 2)

    def tensor_tensor(self):
        operation = self.choice(list(OPERATIONS))
        type = self.choice(("int8", "bf16"))
        output = self.choice(("word", type))
        n, size = self.integer(1, 30), BYTES[output]
        (first, a), (second, b), (third, d) = (self.place(slot, n, size) for slot in range(3))
        if operation == "select":
            # Some zeros to select by.
            self.do("memset", element="byte", n=self.integer(1, 20), m=self.config.size,
                    destination=a)
        self.do("tensor_tensor", operation=operation, type=type, output=output, n=n,
                m=self.integer(1, self.config.size), address=a, bias_address=b, destination=d,
                patterns=first | second | third)

    def memset(self):
        element, n = self.choice(list(ELEMENT)), self.integer(1, 30)
        patterns, destination = self.place(2, n, ELEMENT[element])
        self.do("memset", element=element, n=n, m=self.integer(1, self.config.size),
                value=self.integer(0, 2 ** 32 - 1), destination=destination, patterns=patterns)

    def transpose(self):
        element = self.choice(list(ELEMENT))
        k, m = (self.integer(1, self.config.size) for _ in range(2))
        first, address = self.place(0, m, ELEMENT[element])
        third, destination = self.place(2, k, ELEMENT[element])
        self.do("transpose", element=element, k=k, m=m, address=address, destination=destination,
                patterns=first | third)

    def random(self, count):
        for _ in range(count):
            getattr(self, self.choice(("tensor_tensor", "tensor_tensor", "memset", "transpose")))()
