#ifndef TILICHO_H
#define TILICHO_H

#include <stdint.h>

/* Cycles since reset. */
uint64_t tilicho_cycles(void);

/* What the default vectors call: prints the exception and ends with status 128 + vector. */
__attribute__((noreturn))
void tilicho_unexpected_exception(uint64_t vector, uint64_t esr, uint64_t elr, uint64_t far);

#endif
