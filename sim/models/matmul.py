"""Golden model of the tile's products: results bit for bit, without time.

The order of additions belongs to the result of a floating-point product. The rows of the array
form chains; each adds its products to +0 in the order of its rows, and the sums of the chains are
added in pairs, pairs of pairs and so on. The sum of one tile of K then goes to PSUM, where the
tiles of K are added in their order, each addition rounded once.
"""

import numpy as np

from rtl.matmul.encoding import TYPE_CLASS

from . import formats, numerics

__all__ = ["activate", "matmul", "tile_product"]


def tile_product(stationary: np.ndarray, moving: np.ndarray, type: str,
                 moving_type: str | None = None, *, size: int = 0, chain: int = 0) -> np.ndarray:
    """Return ``stationary.T @ moving`` as the array sums it.

    Parameters
    ----------
    stationary, moving : :class:`numpy.ndarray`
        (K, M) and (K, N): int8, or unsigned patterns of a floating-point format.
    type : :class:`str`
        Format of ``stationary``.
    moving_type : :class:`str`, optional
        Format of ``moving``, of the same class; by default ``type``.
    size, chain : :class:`int`
        Rows of the array, and of a chain, where roundings make the order matter: of BF16 and
        FP16. Rows from K on count as products of +0.

    Returns
    -------
    :class:`numpy.ndarray`
        (M, N): int32, wrapping, or float32.
    """
    if type == "int8":
        return stationary.astype(np.int32).T @ moving.astype(np.int32)
    weights = formats.to_fp32_array(type, stationary)
    columns = formats.to_fp32_array(moving_type or type, moving)
    if TYPE_CLASS[type] == "fp8":
        return numerics.dot_array(weights, columns)
    sums = []
    for start in range(0, size, chain):
        total = np.zeros((weights.shape[1], columns.shape[1]), np.float32)
        for weight, column in zip(weights[start:start + chain], columns[start:start + chain],
                                  strict=True):
            total = numerics.fma_array(weight[:, None], column[None, :], total)
        sums.append(total)
    while len(sums) > 1:
        sums = [numerics.add_array(*pair) for pair in zip(sums[::2], sums[1::2], strict=True)]
    return sums[0]


def matmul(a: np.ndarray, b: np.ndarray, type: str, size: int, chain: int) -> np.ndarray:
    """Return ``a @ b`` as a tile of ``size`` rows in chains of ``chain`` computes it.

    Parameters
    ----------
    a, b : :class:`numpy.ndarray`
        (M, K) and (K, N): int8, or unsigned patterns.
    type : :class:`str`
        Number format of both.
    size, chain : :class:`int`
        Rows of the array, S, and of a chain: K is cut into tiles of S.
    """
    total = tile_product(a[:, :size].T, b[:size], type, size=size, chain=chain)
    for k in range(size, a.shape[1], size):
        part = tile_product(a[:, k:k + size].T, b[k:k + size], type, size=size, chain=chain)
        total = total + part if type == "int8" else numerics.add_array(total, part)
    return total


def activate(source: np.ndarray, *, type: str, output: str, bias: np.ndarray | None = None,
             relu: bool = False, multiplier: int = 0, shift: int = 0,
             random: np.ndarray | None = None) -> np.ndarray:
    """Return what the activation engine writes for ``source``, (M, N) int32 or float32.

    Parameters
    ----------
    type : :class:`str`
        ``int8`` for an INT32 source, any other format for an FP32 one.
    output : :class:`str`
        ``word``, or ``int8`` for an INT32 source, or a floating-point format for an FP32 one.
    bias : :class:`numpy.ndarray` or None
        One int32 or float32 for each row.
    relu : :class:`bool`
        Replace negative values by zero.
    multiplier, shift : :class:`int`
        Of ``output="int8"``, see :func:`sim.models.numerics.requantise`.
    random : :class:`numpy.ndarray` or None
        (M, N) numbers of 16 bits: round to ``int8`` or ``bf16`` by them, not to nearest.

    Returns
    -------
    :class:`numpy.ndarray`
        int32, float32, int8, or unsigned patterns.
    """
    if type == "int8":
        value = source.astype(np.int32)
        if bias is not None:
            value = value + np.asarray(bias, np.int32)[:, None]
        if relu:
            value = np.maximum(value, np.int32(0))
        return value if output == "word" else numerics.requantise_array(value, multiplier, shift,
                                                                        random)
    # Adding -0 is what passing the adder alone means: flushed, and every NaN made canonical.
    addend = (np.array(-0.0, np.float32) if bias is None
              else np.asarray(bias, np.float32)[:, None])
    value = numerics.add_array(source.astype(np.float32), addend)
    if relu:
        value = np.where(np.isnan(value), value, np.where(value > 0, value, np.float32(0)))
    if random is not None:
        return (value.view(np.uint32) + random.astype(np.uint32) >> 16).astype(np.uint16)
    return value if output == "word" else formats.from_fp32_array(output, value)
