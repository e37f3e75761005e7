"""Elementary functions to 110 digits, to measure those of the C library with."""

import functools
import math
import struct
from decimal import Decimal, getcontext, localcontext
from fractions import Fraction

__all__ = ["EXACT", "REFERENCE", "evaluate", "from_bits", "to_bits", "ulps"]

# A sine of 2^40 loses 40 of them, and another 40 are lost near one of its zeros.
DIGITS = 110


def to_bits(x: float) -> int:
    return struct.unpack("<Q", struct.pack("<d", x))[0]


def from_bits(bits: int) -> float:
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


def arc_tangent(x: Decimal) -> Decimal:
    halvings = 0
    while abs(x) > Decimal("0.02"):
        x /= 1 + (1 + x * x).sqrt()
        halvings += 1
    total, term, square, n = Decimal(0), x, -x * x, 1
    while abs(term) > abs(x).scaleb(-getcontext().prec):
        total += term / n
        term *= square
        n += 2
    return total * 2**halvings


@functools.cache
def pi() -> Decimal:
    return 4 * arc_tangent(Decimal(1))


def sine(x: Decimal) -> Decimal:
    x -= (x / (2 * pi())).to_integral_value() * 2 * pi()
    total, term, n = Decimal(0), x, 1
    while abs(term) > abs(x).scaleb(-getcontext().prec):
        total += term
        term *= -x * x / ((n + 1) * (n + 2))
        n += 2
    return total


def cosine(x: Decimal) -> Decimal:
    return sine(x + pi() / 2)


def exp_minus_one(x: Decimal) -> Decimal:
    return x.exp() - 1


def log_one_plus(x: Decimal) -> Decimal:
    return (1 + x).ln()


def hyperbolic_sine(x: Decimal) -> Decimal:
    up, down = exp_minus_one(x), exp_minus_one(-x)
    return (up - down) / 2


def arc_sine(x: Decimal) -> Decimal:
    return pi().copy_sign(x) / 2 if abs(x) == 1 else arc_tangent(x / ((1 - x) * (1 + x)).sqrt())


def arc_cosine(x: Decimal) -> Decimal:
    if x == -1:
        return pi()
    return 2 * arc_tangent(((1 - x) / (1 + x)).sqrt())


def angle(y: Decimal, x: Decimal) -> Decimal:
    if not x:
        return pi().copy_sign(y) / 2
    return arc_tangent(y / x) + (0 if x > 0 else pi().copy_sign(y))


def power(x: Decimal, y: Decimal) -> Decimal:
    size = (y * abs(x).ln()).exp()
    return -size if x < 0 and y % 2 else size


def hyperbolic_tangent(x: Decimal) -> Decimal:
    grown = exp_minus_one(2 * x)
    return grown / (grown + 2)


def error_function(x: Decimal) -> Decimal:
    total, term, n = Decimal(0), x, 0
    while abs(term) > abs(x).scaleb(-getcontext().prec):
        total += term / (2 * n + 1)
        n += 1
        term *= -x * x / n
    return 2 * total / pi().sqrt()


@functools.cache
def bernoulli(n: int) -> Fraction:
    return Fraction(1) if n == 0 else -sum(
        (math.comb(n + 1, k) * bernoulli(k) for k in range(n)), Fraction(0)) / (n + 1)


def log_gamma(x: Decimal) -> Decimal:
    """Of x > 0, to 40 digits and more."""
    product = Decimal(1)
    while x < 60:
        product *= x
        x += 1
    series = sum((Decimal(b.numerator) / b.denominator / (n * (n - 1) * x ** (n - 1))
                  for n in range(2, 60, 2) for b in (bernoulli(n),)), Decimal(0))
    return (x - Decimal("0.5")) * x.ln() - x + (2 * pi()).ln() / 2 + series - product.ln()


def gamma(x: Decimal) -> Decimal:
    if x < 0:
        return pi() / (sine(pi() * x) * gamma(1 - x))
    return log_gamma(x).exp()


#: name: (function of decimals, low and high exponent of the operands, only positive)
REFERENCE = {
    "exp": (lambda x, _: x.exp(), -40, 9, False),
    "exp2": (lambda x, _: Decimal(2) ** x, -40, 9, False),
    "expm1": (lambda x, _: exp_minus_one(x), -60, 9, False),
    "log": (lambda x, _: x.ln(), -60, 60, True),
    "log2": (lambda x, _: x.ln() / Decimal(2).ln(), -60, 60, True),
    "log10": (lambda x, _: x.log10(), -60, 60, True),
    "log1p": (lambda x, _: log_one_plus(x), -60, -1, False),
    "sin": (lambda x, _: sine(x), -30, 40, False),
    "cos": (lambda x, _: cosine(x), -30, 40, False),
    "tan": (lambda x, _: sine(x) / cosine(x), -30, 40, False),
    "asin": (lambda x, _: arc_sine(x), -40, -1, False),
    "acos": (lambda x, _: arc_cosine(x), -40, -1, False),
    "atan": (lambda x, _: arc_tangent(x), -40, 40, False),
    "sinh": (lambda x, _: hyperbolic_sine(x), -40, 9, False),
    "cosh": (lambda x, _: (x.exp() + (-x).exp()) / 2, -40, 9, False),
    "tanh": (lambda x, _: hyperbolic_tangent(x), -40, 4, False),
    "asinh": (lambda x, _: log_one_plus(x + x * x / (1 + (1 + x * x).sqrt())), -40, 40, True),
    "acosh": (lambda x, _: log_one_plus(x - 1 + ((x - 1) * (x + 1)).sqrt()), 0, 40, True),
    "atanh": (lambda x, _: (log_one_plus(x) - log_one_plus(-x)) / 2, -40, -1, False),
    "cbrt": (lambda x, _: (x.ln() / 3).exp(), -300, 300, True),
    "erf": (lambda x, _: error_function(x), -40, 2, False),
    "erfc": (lambda x, _: 1 - error_function(x), -40, 3, False),
    "tgamma": (lambda x, _: gamma(x), -10, 7, False),
    "lgamma": (lambda x, _: log_gamma(x), 2, 40, True),
    "atan2": (angle, -30, 30, False),
    "hypot": (lambda x, y: (x * x + y * y).sqrt(), -30, 30, False),
    "pow": (power, -5, 5, True),
}


def _round_away(x: float, _: float) -> float:
    return math.copysign(math.floor(abs(Fraction(x)) + Fraction(1, 2)), x)


#: Functions whose result is a double that Python can say exactly.
EXACT = {
    "fabs": lambda x, _: abs(x),
    "sqrt": lambda x, _: math.sqrt(x),
    "floor": lambda x, _: math.copysign(math.floor(x), x),
    "ceil": lambda x, _: math.copysign(math.ceil(x), x),
    "trunc": lambda x, _: math.copysign(math.trunc(x), x),
    "round": _round_away,
    "rint": lambda x, _: math.copysign(round(x), x),
    "nearbyint": lambda x, _: math.copysign(round(x), x),
    "lrint": lambda x, _: float(round(x)),
    "lround": lambda x, _: _round_away(x, 0) + 0.0,
    "logb": lambda x, _: float(math.frexp(x)[1] - 1),
    "fmod": math.fmod,
    "remainder": math.remainder,
    "fmin": min,
    "fmax": max,
    "fdim": lambda x, y: x - y if x > y else 0.0,
    "copysign": math.copysign,
    "nextafter": math.nextafter,
    "ldexp": lambda x, y: math.ldexp(x, int(y)),
}


def evaluate(name: str, x: float, y: float) -> Fraction:
    with localcontext() as context:
        context.prec = DIGITS
        return Fraction(REFERENCE[name][0](Decimal(x), Decimal(y)))


def ulps(result: float, exact: Fraction, bits: int = 53) -> float:
    """Return the distance in units of the last of ``bits`` binary places of the exact value."""
    if math.isinf(result) or math.isnan(result):
        return math.inf
    exponent = math.frexp(float(exact))[1]
    return float(abs(Fraction(result) - exact) / Fraction(2) ** (exponent - bits))
