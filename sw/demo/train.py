"""Trains the demo's network on the UCI handwritten digits and writes ``digits.npz``.

Run with ``python -m sw.demo.train`` (needs the extra ``train``). Everything is seeded; plain numpy
in double precision. The file holds the quantised network and the held-out images, so that neither
the demo nor its tests need the training data.

The network is 64-32-10: pixels of 0 to 16 are scaled by 7 to INT8, weights are symmetric INT8 with
one scale a layer, biases and accumulators INT32. The hidden layer is requantised by
``round_half_even(relu(acc) * multiplier / 2**shift)``, saturated to INT8.
"""

from pathlib import Path

import numpy as np

__all__ = ["main", "quantise", "split", "train"]

TARGET = Path(__file__).with_name("digits.npz")
HIDDEN = 32
PIXEL_SCALE = 7


def split(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the fixed split: every third sample is held out."""
    index = np.arange(count)
    return index[index % 3 != 2], index[index % 3 == 2]


def train(images: np.ndarray, labels: np.ndarray, *, epochs: int = 300, rate: float = 2e-3,
          decay: float = 1e-4, seed: int = 7) -> tuple[np.ndarray, ...]:
    """Return weights and biases of both layers, trained by Adam on the cross entropy."""
    rng = np.random.default_rng(seed)
    params = [rng.normal(0, np.sqrt(2 / 64), (HIDDEN, 64)), np.zeros(HIDDEN),
              rng.normal(0, np.sqrt(2 / HIDDEN), (10, HIDDEN)), np.zeros(10)]
    first = [np.zeros_like(param) for param in params]
    second = [np.zeros_like(param) for param in params]
    step = 0
    for _ in range(epochs):
        order = rng.permutation(len(images))
        for chosen in np.array_split(order, len(images) // 32):
            x = images[chosen]
            hidden = np.maximum(x @ params[0].T + params[1], 0)
            logits = hidden @ params[2].T + params[3]
            shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
            error = shifted / shifted.sum(axis=1, keepdims=True)
            error[np.arange(len(chosen)), labels[chosen]] -= 1
            error /= len(chosen)
            back = (error @ params[2]) * (hidden > 0)
            grads = [back.T @ x + decay * params[0], back.sum(axis=0),
                     error.T @ hidden + decay * params[2], error.sum(axis=0)]
            step += 1
            for i, grad in enumerate(grads):
                first[i] = 0.9 * first[i] + 0.1 * grad
                second[i] = 0.999 * second[i] + 0.001 * grad ** 2
                mean = first[i] / (1 - 0.9 ** step)
                spread = np.sqrt(second[i] / (1 - 0.999 ** step))
                params[i] = params[i] - rate * mean / (spread + 1e-8)
    return tuple(params)


def quantise(params: tuple[np.ndarray, ...], pixels: np.ndarray) -> dict[str, np.ndarray]:
    """Return the INT8 network; the hidden scale puts the largest training activation at 127."""
    weight1, bias1, weight2, bias2 = params
    scale1, scale2 = (127 / np.abs(weight).max() for weight in (weight1, weight2))
    w1, w2 = np.rint(weight1 * scale1).astype(np.int8), np.rint(weight2 * scale2).astype(np.int8)
    in_scale = 16 * PIXEL_SCALE
    b1 = np.rint(bias1 * scale1 * in_scale).astype(np.int32)
    acc = (pixels.astype(np.int32) * PIXEL_SCALE) @ w1.T.astype(np.int32) + b1
    shift = 24
    multiplier = int(round(127 / acc.max() * 2 ** shift))
    hidden_scale = scale1 * in_scale * multiplier / 2 ** shift
    b2 = np.rint(bias2 * scale2 * hidden_scale).astype(np.int32)
    return {"weight1": w1, "bias1": b1, "weight2": w2, "bias2": b2,
            "multiplier": np.int32(multiplier), "shift": np.int32(shift)}


def main() -> None:
    """Train, quantise and write the file."""
    from sklearn.datasets import load_digits
    digits = load_digits()
    pixels, labels = digits.data.astype(np.int8), digits.target.astype(np.int8)
    seen, held_out = split(len(pixels))
    network = quantise(train(pixels[seen] / 16.0, labels[seen]), pixels[seen])
    np.savez_compressed(TARGET, images=pixels[held_out] * np.int8(PIXEL_SCALE),
                        labels=labels[held_out], **network)


if __name__ == "__main__":
    main()
