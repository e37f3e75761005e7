/* Complex functions, of those of real numbers; the ones of float round what is of double. */

#include <complex.h>
#include <math.h>

double creal(double complex z)
{
    return __real__ z;
}

double cimag(double complex z)
{
    return __imag__ z;
}

double cabs(double complex z)
{
    return hypot(creal(z), cimag(z));
}

double carg(double complex z)
{
    return atan2(cimag(z), creal(z));
}

double complex conj(double complex z)
{
    return CMPLX(creal(z), -cimag(z));
}

double complex cproj(double complex z)
{
    return isinf(creal(z)) || isinf(cimag(z)) ? CMPLX(HUGE_VAL, copysign(0, cimag(z))) : z;
}

/* Multiplied by i, and by -i. */
static double complex turned(double complex z)
{
    return CMPLX(-cimag(z), creal(z));
}

static double complex turned_back(double complex z)
{
    return CMPLX(cimag(z), -creal(z));
}

double complex cexp(double complex z)
{
    double y = cimag(z);
    if (y == 0)
        return CMPLX(exp(creal(z)), y);
    /* Behind this the product may be finite where the factor is not. */
    double half = exp(creal(z) / 2);
    return CMPLX(half * cos(y) * half, half * sin(y) * half);
}

double complex clog(double complex z)
{
    return CMPLX(log(cabs(z)), carg(z));
}

double complex csqrt(double complex z)
{
    double x = creal(z), y = cimag(z), scale = 1;
    if (x == 0 && y == 0)
        return CMPLX(0, y);
    if (isinf(y))
        return CMPLX(HUGE_VAL, y);
    if (isinf(x))
        return x > 0 ? CMPLX(x, y - y + copysign(0, y)) : CMPLX(fabs(y - y), copysign(x, y));
    if (fabs(x) > 0x1p1021 || fabs(y) > 0x1p1021)
        x /= 4, y /= 4, scale = 2;
    if (fabs(x) < 0x1p-1000 && fabs(y) < 0x1p-1000)
        x *= 0x1p500, y *= 0x1p500, scale = 0x1p-250;
    double root = sqrt((fabs(x) + hypot(x, y)) / 2);
    if (x >= 0)
        return CMPLX(scale * root, scale * (y / (2 * root)));
    return CMPLX(scale * (fabs(y) / (2 * root)), scale * copysign(root, y));
}

double complex cpow(double complex z, double complex w)
{
    if (creal(z) == 0 && cimag(z) == 0)
        return creal(w) == 0 && cimag(w) == 0 ? 1 : 0;
    return cexp(w * clog(z));
}

double complex csinh(double complex z)
{
    return CMPLX(sinh(creal(z)) * cos(cimag(z)), cosh(creal(z)) * sin(cimag(z)));
}

double complex ccosh(double complex z)
{
    return CMPLX(cosh(creal(z)) * cos(cimag(z)), sinh(creal(z)) * sin(cimag(z)));
}

double complex ctanh(double complex z)
{
    double x = creal(z), y = cimag(z);
    /* From here on it is one, to the last bit. */
    if (fabs(x) > 20)
        return CMPLX(copysign(1, x), 2 * sin(2 * y) * exp(-2 * fabs(x)));
    double below = cosh(2 * x) + cos(2 * y);
    return CMPLX(sinh(2 * x) / below, sin(2 * y) / below);
}

double complex casinh(double complex z)
{
    double complex above = csqrt(CMPLX(1 - cimag(z), creal(z)));
    double complex below = csqrt(CMPLX(1 + cimag(z), -creal(z)));
    double x = asinh(creal(below) * cimag(above) - creal(above) * cimag(below));
    return CMPLX(x, atan2(cimag(z), creal(above * below)));
}

double complex cacos(double complex z)
{
    double complex above = csqrt(CMPLX(1 - creal(z), -cimag(z)));
    double complex below = csqrt(CMPLX(1 + creal(z), cimag(z)));
    double y = asinh(creal(below) * cimag(above) - cimag(below) * creal(above));
    return CMPLX(2 * atan2(creal(above), creal(below)), y);
}

double complex cacosh(double complex z)
{
    double complex above = csqrt(CMPLX(creal(z) - 1, cimag(z)));
    double complex below = csqrt(CMPLX(creal(z) + 1, cimag(z)));
    double x = asinh(creal(above) * creal(below) + cimag(above) * cimag(below));
    return CMPLX(x, 2 * atan2(cimag(above), creal(below)));
}

double complex catanh(double complex z)
{
    double x = creal(z), y = cimag(z);
    double real = log1p(4 * x / ((1 - x) * (1 - x) + y * y)) / 4;
    return CMPLX(real, atan2(2 * y, (1 - x) * (1 + x) - y * y) / 2);
}

double complex csin(double complex z)
{
    return turned_back(csinh(turned(z)));
}

double complex ccos(double complex z)
{
    return ccosh(turned(z));
}

double complex ctan(double complex z)
{
    return turned_back(ctanh(turned(z)));
}

double complex casin(double complex z)
{
    return turned_back(casinh(turned(z)));
}

double complex catan(double complex z)
{
    return turned_back(catanh(turned(z)));
}

#define REAL(name)                     \
    float name##f(float complex z)     \
    {                                  \
        return (float)name(z);         \
    }

#define COMPLEX(name)                      \
    float complex name##f(float complex z) \
    {                                      \
        return (float complex)name(z);     \
    }

REAL(creal)
REAL(cimag)
REAL(cabs)
REAL(carg)
COMPLEX(conj)
COMPLEX(cproj)
COMPLEX(cexp)
COMPLEX(clog)
COMPLEX(csqrt)
COMPLEX(csin)
COMPLEX(ccos)
COMPLEX(ctan)
COMPLEX(casin)
COMPLEX(cacos)
COMPLEX(catan)
COMPLEX(csinh)
COMPLEX(ccosh)
COMPLEX(ctanh)
COMPLEX(casinh)
COMPLEX(cacosh)
COMPLEX(catanh)

float complex cpowf(float complex z, float complex w)
{
    return (float complex)cpow(z, w);
}
