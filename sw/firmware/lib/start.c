/* From reset to main() and from exit() to the end of the simulation. */

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tilicho.h>
#include <unistd.h>

#include "devices.h"

#define MAX_ARGUMENTS 64
#define MAX_HANDLERS 32

int main(int argc, char **argv, char **environment);

/* The loader may place the program's arguments here: their number, then NUL-ended strings. */
extern char __arguments[];
extern void (*const __constructors_start[])(void), (*const __constructors_end[])(void);
extern char __data_start[], __data_end[], __bss_start[], __bss_end[], __heap_start[];

/* Survives a second run: the loader may ask for one in the upper half of the arguments' number. */
static uint32_t runs_left __attribute__((section(".noinit")));
char *__heap_base __attribute__((section(".noinit")));

/* Set the stack pointer back and call __libc_again(). */
_Noreturn void __restart(void);

struct handlers {
    void (*function[MAX_HANDLERS])(void);
    int count;
};

static struct handlers at_exit, at_quick;

char *program_invocation_name, *program_invocation_short_name;

static int find_arguments(char **argv)
{
    uint32_t count = *(volatile uint32_t *)__arguments & 0xffff;
    char *text = __arguments + sizeof(uint32_t);
    int argc = 0;
    while (count-- && argc < MAX_ARGUMENTS) {
        argv[argc++] = text;
        while (*text++)
            ;
    }
    if (!argc)
        argv[argc++] = (char *)"program";
    argv[argc] = NULL;
    return argc;
}

static _Noreturn void run(void)
{
    static char *argv[MAX_ARGUMENTS + 1];
    int argc = find_arguments(argv);
    char *slash = strrchr(argv[0], '/');
    program_invocation_name = argv[0];
    program_invocation_short_name = slash ? slash + 1 : argv[0];
    for (void (*const *function)(void) = __constructors_start; function != __constructors_end;)
        (*function++)();
    exit(main(argc, argv, environ));
}

_Noreturn void __libc_start(void)
{
    runs_left = *(volatile uint32_t *)__arguments >> 16;
    __heap_base = __heap_start;
    if (runs_left) {
        size_t size = (size_t)(__data_end - __data_start);
        memcpy(__heap_start, __data_start, size);
        __heap_base += (size + 63) & ~(size_t)63;
    }
    run();
}

/* The program from the beginning, as if it had just been loaded, but with what caches and branch
   prediction have learned. The host's counters start anew at the mark. */
_Noreturn void __libc_again(void)
{
    runs_left--;
    memcpy(__data_start, __heap_start, (size_t)(__data_end - __data_start));
    memset(__bss_start, 0, (size_t)(__bss_end - __bss_start));
    SYSCTL_MARK = 1;
    __asm__ volatile("dsb sy" : : : "memory");
    run();
}

/* Write every dirty line of the data cache to the memory, where the host looks. */
static void clean_data_cache(void)
{
    uint64_t geometry;
    __asm__ volatile("mrs %0, ccsidr_el1" : "=r"(geometry));
    uint32_t last_set = geometry >> 13 & 0x7fff, last_way = geometry >> 3 & 0x3ff;
    int way_shift = last_way ? __builtin_clz(last_way) : 0;
    for (uint64_t way = 0; way <= last_way; way++)
        for (uint64_t set = 0; set <= last_set; set++)
            __asm__ volatile("dc cisw, %0" : : "r"(way << way_shift | set << 6) : "memory");
    __asm__ volatile("dsb sy" : : : "memory");
}

_Noreturn void _Exit(int status)
{
    if (runs_left)
        __restart();
    SYSCTL_EXIT = ((uint32_t)status & 0xff) << 1 | 1;
    clean_data_cache();
    for (;;)
        ;
}

static _Noreturn void leave(struct handlers *handlers, int status)
{
    while (handlers->count)
        handlers->function[--handlers->count]();
    _Exit(status);
}

static int add(struct handlers *handlers, void (*function)(void))
{
    if (handlers->count == MAX_HANDLERS)
        return -1;
    handlers->function[handlers->count++] = function;
    return 0;
}

_Noreturn void exit(int status)
{
    leave(&at_exit, status);
}

int atexit(void (*function)(void))
{
    return add(&at_exit, function);
}

_Noreturn void quick_exit(int status)
{
    leave(&at_quick, status);
}

int at_quick_exit(void (*function)(void))
{
    return add(&at_quick, function);
}

_Noreturn void abort(void)
{
    fputs("abort() called\n", stderr);
    _Exit(134);
}

_Noreturn void __assert_failed(const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: assertion failed: %s\n", file, line, condition);
    _Exit(134);
}

_Noreturn void tilicho_unexpected_exception(uint64_t vector, uint64_t esr, uint64_t elr,
                                            uint64_t far)
{
    fprintf(stderr, "unexpected exception, vector %lu: ESR 0x%lx, ELR 0x%lx, FAR 0x%lx\n", vector,
            esr, elr, far);
    _Exit(128 + (int)vector);
}
