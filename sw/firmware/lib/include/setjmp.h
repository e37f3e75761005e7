#ifndef TILICHO_SETJMP_H
#define TILICHO_SETJMP_H

/* x19 to x30 and sp, padded to keep the pairs aligned. */
typedef unsigned long jmp_buf[14];

__attribute__((returns_twice)) int setjmp(jmp_buf state);
__attribute__((noreturn)) void longjmp(jmp_buf state, int value);

/* There is no mask of signals to save. */
typedef jmp_buf sigjmp_buf;
#define _setjmp(state) setjmp(state)
#define _longjmp(state, value) longjmp(state, value)
#define sigsetjmp(state, save) ((void)(save), setjmp(state))
#define siglongjmp(state, value) longjmp(state, value)

#endif
