"""Kernels in the manner of NKI: tensors in SBUF and PSUM, and what the engines do with them.

A kernel is a Python function that gets a :class:`Kernel` and calls its methods; the same one runs
on the golden model and on the RTL, whichever :class:`Machine` plays the steps. Instructions take
effect in the order of the calls: where an engine follows the other one, it waits for it.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

import numpy as np

from rtl.config import TileConfig
from rtl.matmul.encoding import ELEMENT_BYTES, Instruction

from .steps import Await, Push, Read, Step, Write

__all__ = ["Kernel", "KernelError", "Machine", "Tensor"]

BYTES = {"int32": 4, "fp32": 4, **ELEMENT_BYTES}
"""Bytes of an element by type."""
NUMPY = {"int8": np.int8, "int32": np.int32, "fp32": np.float32, "bf16": np.uint16,
         "fp16": np.uint16}
ELEMENTS = {1: "byte", 2: "half", 4: "word"}
ALIGNMENT = 16
AFTER = {"tensor": 0, "activation": 1}
"""Semaphore that an engine signals when the other one is to follow."""
HOST = 2


class KernelError(ValueError):
    """A kernel asks for what the tile cannot do."""


class Machine(Protocol):
    """What kernels run on."""

    config: TileConfig

    def play(self, steps: Sequence[Step]) -> dict[tuple[int, ...], bytes]:
        """Do all steps and return the bytes that were read, by their tags."""
        ...


@dataclasses.dataclass(frozen=True)
class Tensor:
    """Elements in SBUF or PSUM.

    Parameters
    ----------
    partitions, columns : :class:`int`
        Shape.
    type : :class:`str`
        A type of the tile, ``int32`` or ``fp32``.
    address : :class:`int`
        Byte address in each partition of SBUF; in PSUM 0.
    bank : :class:`int` or None
        PSUM bank; None: the tensor is in SBUF.
    """

    partitions: int
    columns: int
    type: str
    address: int = 0
    bank: int | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Partitions and columns."""
        return self.partitions, self.columns

    def view(self, type: str) -> "Tensor":
        """Return the same bits as elements of another type of that size."""
        if BYTES[type] != BYTES[self.type]:
            raise KernelError(f"Elements of {self.type} cannot be seen as {type}")
        return dataclasses.replace(self, type=type)

    def slice(self, start: int, stop: int) -> "Tensor":
        """Return columns ``start`` to ``stop - 1``, in SBUF."""
        if self.bank is not None or not 0 <= start < stop <= self.columns:
            raise KernelError(f"Columns {start} to {stop} are not in SBUF or not in {self.shape}")
        return dataclasses.replace(self, columns=stop - start,
                                   address=self.address + start * BYTES[self.type])


class Kernel:
    """The engines of a tile as a kernel sees them.

    Parameters
    ----------
    machine : :class:`Machine`
        Model or simulator. Its SBUF belongs to this kernel.
    """

    def __init__(self, machine: Machine):
        self.machine = machine
        self.config = machine.config
        self._steps: list[Step] = []
        self._pending: list[tuple[str, Instruction]] = []
        self._free, self._top = 0, self.config.sbuf_bytes
        self._bank = 0
        self._constants: dict[tuple[str, int], Tensor] = {}
        self._broadcast: set[str] = set()
        self._reads = 0

    # Memory

    def allocate(self, partitions: int, columns: int, type: str) -> Tensor:
        """Return a new tensor in SBUF; it lasts to the end of the innermost :meth:`scratch`."""
        if not 1 <= partitions <= self.config.size or columns < 1:
            raise KernelError(f"A tensor has 1 to {self.config.size} partitions and a column or "
                              f"more, not {partitions} x {columns}")
        tensor = Tensor(partitions, columns, type, self._free)
        self._free += -(-columns * BYTES[type] // ALIGNMENT) * ALIGNMENT
        if self._free > self._top:
            raise KernelError(f"SBUF of {self.config.sbuf_bytes} bytes per partition is full")
        return tensor

    @contextmanager
    def scratch(self) -> Iterator[None]:
        """Give back what is allocated inside when the block ends."""
        free = self._free
        yield
        self._free = free

    def load(self, array: np.ndarray, type: str | None = None) -> Tensor:
        """Copy a matrix from DRAM into a new tensor in SBUF, row i to partition i.

        ``type`` says what unsigned patterns stand for; int8, int32 and float32 speak for
        themselves.
        """
        names = {np.dtype(np.int8): "int8", np.dtype(np.int32): "int32",
                 np.dtype(np.float32): "fp32"}
        kind = type or names.get(array.dtype)
        if array.ndim != 2 or kind is None or array.dtype.itemsize != BYTES[kind]:
            raise KernelError(f"Load takes a matrix of int8, int32, float32 or patterns of a type "
                              f"that is named, not {array.dtype} of shape {array.shape}")
        tensor = self.allocate(array.shape[0], array.shape[1], kind)
        self.dma_copy(tensor, array)
        return tensor

    def store(self, destination: np.ndarray, source: Tensor) -> None:
        """Copy a tensor to a matrix in DRAM."""
        self.dma_copy(destination, source)

    def dma_copy(self, destination: Tensor | np.ndarray, source: Tensor | np.ndarray) -> None:
        """Copy between DRAM and SBUF, or inside SBUF."""
        if isinstance(destination, Tensor) and isinstance(source, Tensor):
            self._vector("copy", source, None, destination)
        elif isinstance(destination, Tensor):
            assert not isinstance(source, Tensor)
            self._synchronise()
            rows = np.ascontiguousarray(source)
            for row, values in enumerate(rows):
                self._steps.append(Write(row, destination.address, values.tobytes()))
        elif isinstance(source, Tensor):
            destination[...] = self._fetch(source).view(destination.dtype)

    def _fetch(self, source: Tensor) -> np.ndarray:
        with self.scratch():
            if source.bank is not None:
                source = self.activation("copy", source)
            self._synchronise()
            first = self._reads
            for row in range(source.partitions):
                self._steps.append(Read(row, source.address, source.columns * BYTES[source.type],
                                        (self._reads,)))
                self._reads += 1
        pieces = self.machine.play(self._steps)
        self._steps = []
        raw = b"".join(pieces[first + row,] for row in range(source.partitions))
        return np.frombuffer(raw, NUMPY.get(source.type, np.uint8)).reshape(source.shape)

    # Order

    def _push(self, engine: str, mnemonic: str, **fields: int | str) -> None:
        """Add an instruction; it waits for the other engine if that one was last."""
        if self._pending and self._pending[-1][0] != engine:
            other, last = self._pending[-1]
            self._pending[-1] = (other, Instruction(last.mnemonic, **(last.fields | {
                "add_index": AFTER[other], "add_value": 1})))
            fields |= {"wait": 1, "consume": 1, "wait_index": AFTER[other], "wait_value": 1}
        self._pending.append((engine, Instruction(mnemonic, **fields)))

    def _synchronise(self) -> None:
        """Hand over what is pending, and wait until it has been done."""
        if self._pending:
            self._push(self._pending[-1][0], "fence", add_index=HOST, add_value=1)
            self._steps += [Push(engine, instruction) for engine, instruction in self._pending]
            self._steps.append(Await(HOST))
            self._pending = []

    # Tensor engine

    def nc_matmul(self, stationary: Tensor, moving: Tensor, *,
                  into: Tensor | None = None) -> Tensor:
        """Return ``stationary.T @ moving`` in PSUM, or add it to the PSUM tensor ``into``."""
        (k, m), n = stationary.shape, moving.columns
        size = self.config.size
        if moving.partitions != k or m > size or n > 4 * size:
            raise KernelError(f"A product takes K x M by K x N with M to {size} and N to "
                              f"{4 * size}, not {stationary.shape} by {moving.shape}")
        kind = "int32" if stationary.type == "int8" else "fp32"
        result = into or Tensor(m, n, kind, bank=self._bank)
        if into is None:
            self._bank = (self._bank + 1) % self.config.psum_banks
        if result.shape != (m, n) or result.bank is None or result.type != kind:
            raise KernelError(f"The product is {kind} {(m, n)} in PSUM, not {result}")
        self._push("tensor", "load_stationary", type=stationary.type, k=k, m=m,
                   address=stationary.address)
        self._push("tensor", "multiply_moving", type=moving.type, k=k, m=m, n=n,
                   address=moving.address, bank=result.bank, accumulate=int(into is not None))
        return result

    # Activation engine and vector unit

    def activation(self, op: str, data: Tensor, *, bias: Tensor | None = None,
                   scale: float | None = None, type: str | None = None, multiplier: int = 1,
                   shift: int = 0, stochastic: bool = False) -> Tensor:
        """Return ``op(data * scale + bias)`` in SBUF.

        Parameters
        ----------
        op : :class:`str`
            ``copy``, ``relu``, or a function of :data:`sw.kernels.functions.FUNCTIONS`.
        data : :class:`Tensor`
            INT32 or FP32, in SBUF or PSUM.
        bias : :class:`Tensor`, optional
            One number for each partition, in SBUF.
        scale : :class:`float`, optional
            Of FP32 alone.
        type : :class:`str`, optional
            Of the result; by default that of ``data``.
        multiplier, shift : :class:`int`
            Of a result in INT8.
        stochastic : :class:`bool`
            Round a result in INT8 or BF16 at random.
        """
        from .functions import FUNCTIONS

        if op not in ("copy", "relu", *FUNCTIONS) or BYTES[data.type] != 4:
            raise KernelError(f"Activation {op!r} of {data.type} is not one of copy, relu, "
                              f"{', '.join(FUNCTIONS)} of int32 or fp32")
        if scale is not None:
            data = self.tensor_scalar("multiply", self._in_sbuf(data), scale)
        if op in FUNCTIONS:
            data = FUNCTIONS[op](self, self.activation("copy", data, bias=bias))
            return data if type in (None, "fp32") else self.activation("copy", data, type=type)
        kind = type or data.type
        result = self.allocate(*data.shape, kind)
        integers = data.type == "int32"
        self._push("activation", "activate", type="int8" if integers else self._float(),
                   output=kind if kind in ELEMENT_BYTES else "word", relu=int(op == "relu"),
                   stochastic=int(stochastic),
                   m=data.partitions, n=data.columns, from_sbuf=int(data.bank is None),
                   address=data.address, bank=data.bank or 0, bias=int(bias is not None),
                   bias_address=bias.address if bias else 0, destination=result.address,
                   multiplier=multiplier if kind == "int8" else 0,
                   shift=shift if kind == "int8" else 0)
        return result

    def _float(self) -> str:
        """Return a type whose sums are FP32."""
        floats = [name for name in self.config.types if name != "int8"]
        if not floats:
            raise KernelError("The tile has no floating-point type")
        return floats[0]

    def _in_sbuf(self, data: Tensor) -> Tensor:
        return data if data.bank is None else self.activation("copy", data)

    def tensor_tensor(self, op: str, data1: Tensor, data2: Tensor,
                      into: Tensor | None = None) -> Tensor:
        """Return ``op`` of two SBUF tensors, one of which may have a single column; ``into``."""
        columns = max(data1.columns, data2.columns)
        if (data1.type != data2.type or data1.partitions != data2.partitions
                or {data1.columns, data2.columns} - {1, columns}):
            raise KernelError(f"Operands of {op} differ: {data1} and {data2}")
        result = into or self.allocate(data1.partitions, columns, data1.type)
        self._vector(op, data1, data2, result)
        return result

    def tensor_scalar(self, op: str, data: Tensor, value: float, *,
                      reverse: bool = False, into: Tensor | None = None) -> Tensor:
        """Return ``op(data, value)``, or with ``reverse`` ``op(value, data)``."""
        constant = dataclasses.replace(self._constant(data.type, value),
                                       partitions=data.partitions)
        operands = (constant, data) if reverse else (data, constant)
        return self.tensor_tensor(op, *operands, into=into)

    def leaky_relu(self, data: Tensor, slope: float) -> Tensor:
        """Return FP32 ``max(x, slope * x)``, for slopes from 0 to 1."""
        if not 0 <= slope <= 1:
            raise KernelError(f"The slope of a leaky ReLU is 0 to 1, not {slope!r}")
        return self.tensor_tensor("maximum", data, self.tensor_scalar("multiply", data, slope))

    def clip(self, data: Tensor, low: float, high: float) -> Tensor:
        """Return the numbers of SBUF data limited to a range; NaN stays."""
        raised = self.tensor_scalar("maximum", data, low)
        return self.tensor_scalar("minimum", raised, high)

    def tensor_reduce(self, op: str, data: Tensor) -> Tensor:
        """Return one column: ``op`` over each row, the two halves combined until one is left."""
        result = self.allocate(*data.shape, data.type)
        self._vector("copy", data, None, result)
        count = data.columns
        while count > 1:
            half = count // 2
            first = result.slice(0, half)
            self._vector(op, first, result.slice(count - half, count), first)
            count -= half
        return result.slice(0, 1)

    def nc_transpose(self, data: Tensor) -> Tensor:
        """Return an SBUF tensor with partitions and columns exchanged, bit for bit."""
        if max(data.shape) > self.config.size or data.bank is not None:
            raise KernelError(f"A transposition takes up to {self.config.size} partitions and "
                              f"columns in SBUF, not {data}")
        result = self.allocate(data.columns, data.partitions, data.type)
        self._push("activation", "transpose", element=ELEMENTS[BYTES[data.type]],
                   k=data.partitions, m=data.columns, address=data.address,
                   destination=result.address)
        return result

    def copy_halves(self, destination: Tensor, source: Tensor) -> None:
        """Copy the upper half of each word to the lower half of another one."""
        for slot in ("source", "destination"):
            self._push("activation", "pattern", slot=slot, count0=source.columns, stride0=2)
        self._broadcast.discard("source")
        self._push("activation", "tensor_tensor", operation="copy", type="bf16", output="bf16",
                   m=source.partitions, n=source.columns, address=source.address + 2,
                   destination=destination.address, patterns=0b101)

    def memset(self, shape: tuple[int, int], value: float, type: str) -> Tensor:
        """Return a new SBUF tensor full of ``value``."""
        result = self.allocate(*shape, type)
        self._set(result, self._bits(type, value))
        return result

    def _set(self, tensor: Tensor, bits: int) -> None:
        self._push("activation", "memset", element=ELEMENTS[BYTES[tensor.type]],
                   m=tensor.partitions, n=tensor.columns, value=bits, destination=tensor.address)

    @staticmethod
    def _bits(type: str, value: float) -> int:
        """Return the pattern of a number; that of ``int32`` may be unsigned."""
        if type == "fp32":
            return int(np.float32(value).view(np.uint32))
        if type not in ("int8", "int32"):
            raise KernelError(f"Constants are int8, int32 or fp32, not {type}")
        return int(value) & (1 << 8 * BYTES[type]) - 1

    def _constant(self, type: str, value: float) -> Tensor:
        """Return a number in every partition, at the far end of SBUF."""
        key = type, self._bits(type, value)
        if key not in self._constants:
            self._top -= ALIGNMENT
            self._constants[key] = Tensor(self.config.size, 1, type, self._top)
            if self._free > self._top:
                raise KernelError(f"SBUF of {self.config.sbuf_bytes} bytes per partition is full")
            self._set(self._constants[key], key[1])
        return self._constants[key]

    def _vector(self, op: str, a: Tensor, b: Tensor | None, result: Tensor) -> None:
        """Push ``tensor_tensor``; operands of one column are repeated."""
        operands = {"source": a} | ({"other": b} if b else {})
        patterns = 0
        for index, (slot, operand) in enumerate(operands.items()):
            if operand.bank is not None or result.bank is not None:
                raise KernelError("Vector operations take tensors in SBUF")
            if operand.columns == 1 < result.columns:
                patterns |= 1 << index
                if slot not in self._broadcast:
                    # One element, and behind the last comes the first again.
                    self._push("activation", "pattern", slot=slot)
                    self._broadcast.add(slot)
        integers = a.type in ("int8", "int32")
        self._push("activation", "tensor_tensor", operation=op,
                   type="int8" if integers else self._float(),
                   output="word" if BYTES[a.type] == 4 else a.type, m=result.partitions,
                   n=result.columns, address=a.address, bias_address=b.address if b else 0,
                   destination=result.address, patterns=patterns)
