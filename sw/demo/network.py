"""The quantised network of the demo and its golden model."""

import dataclasses
from pathlib import Path

import numpy as np

__all__ = ["Layer", "Network", "load"]

DATA = Path(__file__).with_name("digits.npz")


@dataclasses.dataclass(frozen=True)
class Layer:
    """A fully connected layer.

    Parameters
    ----------
    weight : INT8, shape (outputs, inputs)
        Weights.
    bias : INT32, shape (outputs,)
        Added to the sums.
    relu : :class:`bool`
        Replace negative sums by zero.
    multiplier, shift : :class:`int` or None
        Requantisation to INT8; None leaves the INT32 sums.
    """

    weight: np.ndarray
    bias: np.ndarray
    relu: bool
    multiplier: int | None = None
    shift: int | None = None

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return the layer of INT8 ``x``, shape (images, inputs); sums wrap at 32 bits."""
        acc = x.astype(np.int64) @ self.weight.T.astype(np.int64) + self.bias
        acc = acc.astype(np.int32)
        if self.relu:
            acc = np.maximum(acc, 0)
        if self.multiplier is None:
            return acc
        product = acc.astype(np.int64) * self.multiplier
        below = product & ((1 << self.shift) - 1)
        rounded = product >> self.shift
        half = 1 << (self.shift - 1)
        rounded += (below > half) | ((below == half) & (rounded & 1 == 1))
        return np.clip(rounded, -128, 127).astype(np.int8)


@dataclasses.dataclass(frozen=True)
class Network:
    """Layers, and the held-out images with their labels.

    Parameters
    ----------
    layers : tuple of :class:`Layer`
        In order.
    images : INT8, shape (images, 64)
        Pixels in row order, 0 to 112.
    labels : shape (images,)
        What the images show.
    """

    layers: tuple[Layer, ...]
    images: np.ndarray
    labels: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Return the INT32 logits of INT8 images."""
        for layer in self.layers:
            x = layer(x)
        return x

    def shuffled(self, seed: int) -> "Network":
        """Return the network with the images in the order of ``seed``; 0 keeps the order."""
        if not seed:
            return self
        order = np.random.default_rng(seed).permutation(len(self.images))
        return dataclasses.replace(self, images=self.images[order], labels=self.labels[order])

    def corrupted(self, count: int, seed: int = 1) -> "Network":
        """Return the network with ``count`` weights inverted bit by bit, spread over all layers."""
        sizes = [layer.weight.size for layer in self.layers]
        if not 0 <= count <= sum(sizes):
            raise ValueError(f"Corrupted weights must be 0 to {sum(sizes)}, not {count!r}")
        weights = np.concatenate([layer.weight.ravel() for layer in self.layers])
        chosen = np.random.default_rng(seed).permutation(len(weights))[:count]
        weights[chosen] = ~weights[chosen]
        parts = np.split(weights, np.cumsum(sizes)[:-1])
        layers = tuple(dataclasses.replace(layer, weight=part.reshape(layer.weight.shape))
                       for layer, part in zip(self.layers, parts, strict=True))
        return dataclasses.replace(self, layers=layers)


def load(path: Path = DATA) -> Network:
    """Return the network and the held-out images of the file that :mod:`sw.demo.train` wrote."""
    data = np.load(path)
    hidden = Layer(data["weight1"], data["bias1"], True, int(data["multiplier"]),
                   int(data["shift"]))
    return Network((hidden, Layer(data["weight2"], data["bias2"], False)), data["images"],
                   data["labels"])
