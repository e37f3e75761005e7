"""The C library: texts as another library prints them, functions within half a unit or exact."""

import ctypes
import ctypes.util
import dataclasses
import functools
import math
import random
import struct
from pathlib import Path

import numpy as np
import pytest

from rtl.soc.memory_map import region
from sim.lockstep.program import load_program
from sim.lockstep.reference import run_reference
from sw.toolchain import compile_c

from .reference_math import EXACT, REFERENCE, evaluate, from_bits, to_bits, ulps

HERE = Path(__file__).with_name("libc")
INCLUDE = Path(__file__).parents[3] / "sw" / "firmware" / "lib" / "include"
RAM = {"ram_base": region("DRAM").base, "ram_bytes": 64 << 20}

#: Of the compiler's run-time library, and what is known of its worst errors. All other functions
#: are this project's and round but for rare ties: half a unit and a bit.
RUNTIME = {"sin": 1, "cos": 1, "tan": 1}
#: What rests on long sums, or on a sine.
SPECIAL_LIMITS = {"erf": 0.6, "erfc": 1, "tgamma": 2, "lgamma": 0.6}
OURS = 0.51
BINARY = {"atan2", "hypot", "pow", "fmod", "remainder", "fmin", "fmax", "fdim", "copysign",
          "nextafter"}
NAMES = [*REFERENCE, *EXACT]


def test_the_host_agrees():
    """Expected texts are of glibc; what they hold is also right by other sources."""
    text = (HERE / "input_output.txt").read_text()
    assert "0x1p-1074: 0x0.0000000000001p-1022, 9 taken" in text
    assert "Thu Jan  1 00:00:00 1970|01/01/70|1970-01-01" in (HERE / "library.txt").read_text()


@pytest.mark.parametrize("name", ["input_output", "library", "beyond"])
def test_like_another_library(name):
    elf = compile_c([HERE / f"{name}.c"], flags=["-w"])
    stdin = HERE / f"{name}.in"
    program = dataclasses.replace(load_program(elf, **RAM), name="program")
    result = run_reference(program, stdin=stdin.read_bytes() if stdin.exists() else b"")
    assert result.output.decode() == (HERE / f"{name}.txt").read_text()
    assert result.exit == 0


@functools.cache
def functions():
    def entry(name, suffix):
        kind = "INTEGER" if name == "ldexp" else "BINARY" if name in BINARY else "UNARY"
        return f"{kind}({name}{suffix})"

    both = [(name, suffix) for suffix in ("", "f") for name in NAMES]
    elf = compile_c([HERE / "functions.c"], flags=["-w"], defines=[
        "FUNCTIONS=" + " ".join(entry(*one) for one in both),
        "TABLE=" + ", ".join(f"call_{name}{suffix}" for name, suffix in both)])
    return load_program(elf, **RAM)


def call(requests):
    """Call functions on the oracle; a request is a name and two doubles."""
    names = NAMES + [f"{name}f" for name in NAMES]
    stdin = b"".join(struct.pack("<Bdd", names.index(name), x, y) for name, x, y in requests)
    result = run_reference(functions(), stdin=stdin)
    assert len(result.output) == 8 * len(requests)
    return struct.unpack(f"<{len(requests)}d", result.output)


def operands(name, count, single=False):
    """Random operands of a function's domain, as floats if ``single``."""
    random_ = random.Random(f"{name} {single}")
    _, low, high, positive = REFERENCE[name]

    if single:
        low, high = max(low, -120), min(high, 120)

    def operand(sign):
        x = math.ldexp(random_.uniform(1, 2), random_.randint(low, high - 1))
        x = float(np.float32(x)) if single else x
        return x if sign else random_.choice((x, -x))

    for _ in range(count):
        yield operand(positive), operand(name == "hypot")


def check_accuracy(count, single):
    requests = [(name, x, y) for name in REFERENCE for x, y in operands(name, count, single)]
    results = call([(name + "f" * single, x, y) for name, x, y in requests])
    worst = dict.fromkeys(REFERENCE, (0.0, 0.0, 0.0))
    for (name, x, y), result in zip(requests, results, strict=True):
        exact = evaluate(name, x, y)
        # Results beyond the range of normal floats are left to the doubles.
        if single and not 2.0**-126 <= abs(exact) < 2.0**127:
            continue
        worst[name] = max(worst[name], (ulps(result, exact, 24 if single else 53), x, y))
    for name, (error, x, y) in worst.items():
        print(f"{name}{'f' * single}: {error:.4f} ulp at {x.hex()}, {y.hex()}")
    for name, (error, _, _) in worst.items():
        assert error < (RUNTIME | SPECIAL_LIMITS).get(name, OURS), name


@pytest.mark.parametrize("single", [False, True], ids=["double", "float"])
def test_accuracy(single):
    check_accuracy(40, single)


@pytest.mark.slow
@pytest.mark.parametrize("single", [False, True], ids=["double", "float"])
def test_accuracy_of_many(single):
    check_accuracy(3000, single)


def test_exact_functions():
    random_ = random.Random(1)
    requests = []
    for name in EXACT:
        for _ in range(60):
            x = random_.choice((random_.uniform(-9, 9), random_.randint(-9, 9) + 0.5,
                                math.ldexp(random_.uniform(-1, 1), random_.randint(-60, 60))))
            y = random_.choice((random_.uniform(-4, 4), float(random_.randint(1, 9)),
                                math.ldexp(random_.uniform(0.5, 1), random_.randint(-40, 40))))
            requests.append((name, abs(x) if name == "sqrt" else x,
                             max(-1200.0, min(float(int(y)), 900.0)) if name == "ldexp" else y))
    for request, result in zip(requests, call(requests), strict=True):
        assert to_bits(result) == to_bits(EXACT[request[0]](*request[1:])), request


def test_exact_powers():
    """Powers that are doubles come out as such."""
    requests = [("pow", float(x), float(y)) for x in (-10, -7, -3, -2, 2, 3, 5, 10, 255)
                for y in range(-3, 22) if abs(x) ** abs(y) < 2**53 and (y >= 0 or abs(x) == 2)]
    requests += [("cbrt", float(x**3), 0.0) for x in range(-50, 51)]
    requests += [("hypot", 3.0 * 2.0**e, 4.0 * 2.0**e) for e in range(-1070, 1021, 95)]
    for (name, x, y), result in zip(requests, call(requests), strict=True):
        expected = (x**y if name == "pow" else math.copysign(round(abs(x) ** (1 / 3)), x)
                    if name == "cbrt" else x / 3 * 5)
        assert result == expected, (name, x, y)


def test_limits_of_special_functions():
    inf, nan = math.inf, math.nan
    expected = [("erf", 0.0, 0.0), ("erf", -0.0, -0.0), ("erf", inf, 1.0), ("erf", -9.0, -1.0),
                ("erfc", inf, 0.0), ("erfc", -inf, 2.0), ("erfc", 0.0, 1.0), ("erfc", 27.3, 0.0),
                ("erf", 5e-324, 5e-324), ("tgamma", 0.0, inf), ("tgamma", -0.0, -inf),
                ("tgamma", 171.7, inf), ("tgamma", inf, inf), ("tgamma", -184.5, -0.0),
                ("tgamma", 1.0, 1.0), ("lgamma", 1.0, 0.0), ("lgamma", 2.0, 0.0),
                ("lgamma", 0.0, inf), ("lgamma", -3.0, inf), ("lgamma", -inf, inf),
                ("lgamma", 3e305, inf), ("lgamma", 1.7e308, inf)]
    expected += [("tgamma", float(n), float(math.factorial(n - 1))) for n in range(2, 24)]
    results = call([(name, x, 0.0) for name, x, _ in expected])
    for (name, x, value), result in zip(expected, results, strict=True):
        assert to_bits(result) == to_bits(value), (name, x, result)
    bad = [("tgamma", -2.0), ("tgamma", -inf), ("erf", nan), ("erfc", nan), ("lgamma", nan)]
    assert all(map(math.isnan, call([(name, x, 0.0) for name, x in bad])))
    near = [0.3, 0.9, 1.1, 1.9, 2.1, 3.5, -0.4, -1.5, -2.7, -60.3]
    for x, result in zip(near, call([("lgamma", x, 0.0) for x in near]), strict=True):
        assert abs(result - math.lgamma(x)) <= 1e-15 * max(1, abs(result)) * 4, x


SPECIAL = [0.0, -0.0, 0.5, -0.5, 1.0, -1.0, 2.0, -2.0, 3.0, -3.0, 0.75, 1e300, -1e300, 5e-324,
           -5e-324, 1e-310, 709.9, -745.2, 1.0000000000000002, 9007199254740993.0,
           math.inf, -math.inf, math.nan]


def host_function(name):
    function = getattr(ctypes.CDLL(ctypes.util.find_library("m")), name)
    function.restype = ctypes.c_double
    return lambda x, y: function(*map(ctypes.c_double, (x, y) if name in BINARY else (x,)))


def test_special_operands():
    """Zeros, infinities, no numbers, subnormals and limits, as the host's library has them."""
    names = [name for name in REFERENCE if name not in RUNTIME | SPECIAL_LIMITS]
    requests = [(name, x, y) for name in names for x in SPECIAL
                for y in (SPECIAL if name in BINARY else [0.0])]
    host = {name: host_function(name) for name in names}
    for (name, x, y), result in zip(requests, call(requests), strict=True):
        expected = host[name](x, y)
        if math.isnan(expected):
            assert math.isnan(result), (name, x, y)
        elif math.isinf(expected) or expected == 0:
            assert to_bits(result) == to_bits(expected), (name, x, y)
        else:
            assert math.copysign(1, result) == math.copysign(1, expected), (name, x, y)
            neighbours = [from_bits(to_bits(expected) + step) for step in (-1, 0, 1)]
            assert result in neighbours, (name, x, y, expected)
