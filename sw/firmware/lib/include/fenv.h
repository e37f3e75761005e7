#ifndef TILICHO_FENV_H
#define TILICHO_FENV_H

/* Rounding is to nearest, and there are no exception flags. */
#define FE_TONEAREST 0
#define FE_ALL_EXCEPT 0
#define FE_DFL_ENV ((const fenv_t *)0)

typedef unsigned fenv_t;
typedef unsigned fexcept_t;

static __inline int feclearexcept(int flags)
{
    return flags != 0;
}

static __inline int feraiseexcept(int flags)
{
    return flags != 0;
}

static __inline int fetestexcept(int flags)
{
    (void)flags;
    return 0;
}

static __inline int fegetround(void)
{
    return FE_TONEAREST;
}

static __inline int fesetround(int mode)
{
    return mode != FE_TONEAREST;
}

static __inline int fegetenv(fenv_t *state)
{
    *state = 0;
    return 0;
}

static __inline int fesetenv(const fenv_t *state)
{
    (void)state;
    return 0;
}

static __inline int feholdexcept(fenv_t *state)
{
    return fegetenv(state);
}

static __inline int feupdateenv(const fenv_t *state)
{
    return fesetenv(state);
}

#endif
