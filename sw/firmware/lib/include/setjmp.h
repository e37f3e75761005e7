#ifndef TILICHO_SETJMP_H
#define TILICHO_SETJMP_H

/* x19 to x30 and sp, padded to keep the pairs aligned. */
typedef unsigned long jmp_buf[14];

__attribute__((returns_twice)) int setjmp(jmp_buf state);
__attribute__((noreturn)) void longjmp(jmp_buf state, int value);

#endif
