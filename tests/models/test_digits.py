"""The digits network against exact fractions, and its job in memory against an interpreter."""

import struct
from fractions import Fraction

import numpy as np
import pytest

from sw.demo.image import BOOT_MAGIC, boot_image, build_job
from sw.demo.network import load


def exact_layer(layer, x):
    """Second formulation: one neuron at a time, in integers and fractions."""
    outputs = []
    for weights, bias in zip(layer.weight.tolist(), layer.bias.tolist(), strict=True):
        acc = sum(w * v for w, v in zip(weights, x, strict=True)) + bias
        assert -2**31 <= acc < 2**31
        if layer.relu:
            acc = max(acc, 0)
        if layer.multiplier is not None:
            acc = round(Fraction(acc * layer.multiplier, 2**layer.shift))
            acc = max(-128, min(127, acc))
        outputs.append(acc)
    return outputs


def test_model_equals_exact_arithmetic():
    network = load()
    logits = network(network.images[:50])
    for image, row in zip(network.images[:50].tolist(), logits.tolist(), strict=True):
        for layer in network.layers:
            image = exact_layer(layer, image)
        assert image == row


def test_requantisation_rounds_ties_to_even():
    layer = load().layers[0]
    import dataclasses
    half = dataclasses.replace(layer, weight=np.eye(4, dtype=np.int8), bias=np.zeros(4, np.int32),
                               multiplier=1, shift=1, relu=False)
    assert half(np.array([[1, 3, -1, -3]], np.int8)).tolist() == [[0, 2, 0, -2]]


def test_held_out_accuracy():
    network = load()
    right = network(network.images).argmax(axis=1) == network.labels
    assert len(right) == 599
    assert right.mean() > 0.93


def test_order_and_corruption():
    network = load()
    assert network.shuffled(0) is network
    shuffled = network.shuffled(3)
    assert sorted(map(bytes, shuffled.images)) == sorted(map(bytes, network.images))
    assert (shuffled.images != network.images).any()
    before = np.concatenate([layer.weight.ravel() for layer in network.layers])
    after = np.concatenate([layer.weight.ravel() for layer in network.corrupted(25).layers])
    assert (before != after).sum() == 25
    with pytest.raises(ValueError, match="must be 0 to 2368, not 2369"):
        network.corrupted(2369)


def interpret(job, size):
    """Do what the firmware and the tile do with a job, on a byte array for each partition."""
    chunks = dict(job.chunks)

    def read(address, length):
        for base, data in chunks.items():
            if base <= address and address + length <= base + len(data):
                return data[address - base:address - base + length]
        raise AssertionError(f"{address:#x} is not in a chunk")

    table = job.chunks[0][1]
    magic, layers, images, batch, constant_bytes, constants, inputs, _, _ = struct.unpack_from(
        "<8sIIIIQQQQ", table)
    assert magic == b"TLICJOB1" and images == job.images
    sbuf = np.zeros((size, 65536), np.uint8)
    sbuf[:, :constant_bytes] = np.frombuffer(
        read(constants, size * constant_bytes), np.uint8).reshape(size, -1)
    row, logits = -(-batch // 8) * 8, []
    for start in range(0, images, batch):
        count, parity = min(batch, images - start), start // batch % 2
        for index in range(layers):
            (n_in, n_out, weights, bias, relu, narrow, multiplier, shift,
             *places) = struct.unpack_from("<12I", table, 56 + 48 * index)
            source, result = places[parity], places[2 + parity]
            if index == 0:
                length = -(-n_in // size) * row
                data = read(inputs + start // batch * size * length, size * length)
                sbuf[:, source:source + length] = np.frombuffer(data, np.uint8).reshape(size, -1)
            output = np.zeros((n_out, count), np.int64)
            for o in range(n_out):
                for i in range(n_in):
                    at = weights + (o // size * -(-n_in // size) + i // size) * row_bytes(size)
                    weight = sbuf[i % size].view(np.int8)[at + o % size]
                    at = source + i // size * row
                    moving = sbuf[i % size].view(np.int8)[at:at + count].astype(np.int64)
                    output[o] += int(weight) * moving
                at = bias + o // size * 8
                output[o] += int.from_bytes(sbuf[o % size, at:at + 4], "little", signed=True)
            if relu:
                output = np.maximum(output, 0)
            if narrow:
                output = np.array([[max(-128, min(127, round(Fraction(int(v) * multiplier,
                                                                      2**shift)))) for v in line]
                                   for line in output])
                for o in range(n_out):
                    at = result + o // size * row
                    sbuf[o % size].view(np.int8)[at:at + count] = output[o]
        logits.append(output.T)
    return np.concatenate(logits)


def row_bytes(elements):
    return -(-elements // 8) * 8


@pytest.mark.parametrize("size, batch, images", [(8, 32, 40), (16, 32, 33), (4, 16, 3)])
def test_job_in_memory_holds_the_network(size, batch, images):
    network = load()
    job = build_job(network, images, size=size, batch=batch)
    logits = interpret(job, size)
    assert (logits == network(network.images[:images])).all()
    stride = 10 * batch
    memory = np.zeros(job.logits_bytes // 4, "<i4")
    for start in range(0, images, batch):
        block = logits[start:start + batch].T.reshape(-1)
        memory[start // batch * stride:][:block.size] = block
    assert (job.logits(memory.tobytes()) == logits).all()
    assert job.macs == images * (64 * 32 + 32 * 10)


def test_ideal_cycles_and_bytes_of_a_full_batch():
    job = build_job(load(), 32, size=8, batch=32)
    assert job.ideal_cycles == (8 * 4 + 4 * 2) * 32
    constants = 8 * (8 * 4 * 8 + 4 * 8 + 4 * 2 * 8 + 2 * 8)
    assert job.dma_bytes == constants + 64 * 32 + 2 * 40 * 32 + 10 * 32 * 4


def test_wrong_number_of_images_is_named():
    with pytest.raises(ValueError, match="must be 1 to 599, not 600"):
        build_job(load(), 600, size=8, batch=32)


def test_boot_image_has_header_and_padded_payload():
    image = boot_image(b"\1\2\3", 0x0C00_0000, 0x0C00_0040)
    assert image[:8] == BOOT_MAGIC and len(image) == 64 + 16
    assert struct.unpack_from("<QQQ", image, 8) == (0x0C00_0000, 16, 0x0C00_0040)
