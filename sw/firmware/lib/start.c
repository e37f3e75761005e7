/* From reset to main() and from exit() to the end of the simulation. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <tilicho.h>

#include "devices.h"

#define MAX_ARGUMENTS 64
#define MAX_HANDLERS 32

int main(int argc, char **argv);

/* The loader may place the program's arguments here: their number, then NUL-ended strings. */
extern char __arguments[];
extern void (*const __constructors_start[])(void), (*const __constructors_end[])(void);

static void (*exit_handlers[MAX_HANDLERS])(void);
static int exit_handler_count;

static int find_arguments(char **argv)
{
    uint32_t count = *(volatile uint32_t *)__arguments;
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

_Noreturn void __libc_start(void)
{
    static char *argv[MAX_ARGUMENTS + 1];
    int argc = find_arguments(argv);
    for (void (*const *function)(void) = __constructors_start; function != __constructors_end;)
        (*function++)();
    exit(main(argc, argv));
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
    SYSCTL_EXIT = ((uint32_t)status & 0xff) << 1 | 1;
    clean_data_cache();
    for (;;)
        ;
}

_Noreturn void exit(int status)
{
    while (exit_handler_count)
        exit_handlers[--exit_handler_count]();
    _Exit(status);
}

int atexit(void (*function)(void))
{
    if (exit_handler_count == MAX_HANDLERS)
        return -1;
    exit_handlers[exit_handler_count++] = function;
    return 0;
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

char *getenv(const char *name)
{
    (void)name;
    return NULL;
}
