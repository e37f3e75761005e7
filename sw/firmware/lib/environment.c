/* What hosted programs ask of their environment: there is little. */

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define SIGNALS 16

static void (*handlers[SIGNALS])(int);

char *setlocale(int category, const char *name)
{
    (void)category;
    return !name || !*name || !strcmp(name, "C") || !strcmp(name, "POSIX") ? (char *)"C" : NULL;
}

struct lconv *localeconv(void)
{
    static struct lconv plain = {(char *)".", (char *)"", (char *)""};
    return &plain;
}

void (*signal(int number, void (*handler)(int)))(int)
{
    if (number <= 0 || number >= SIGNALS) {
        errno = EINVAL;
        return SIG_ERR;
    }
    void (*before)(int) = handlers[number];
    handlers[number] = handler;
    return before;
}

int raise(int number)
{
    if (number <= 0 || number >= SIGNALS)
        return -1;
    void (*handler)(int) = handlers[number];
    if (handler == SIG_DFL)
        _Exit(128 + number);
    if (handler != SIG_IGN) {
        handlers[number] = SIG_DFL;
        handler(number);
    }
    return 0;
}

char *getenv(const char *name)
{
    (void)name;
    return NULL;
}

/* There is no command processor. */
int system(const char *command)
{
    (void)command;
    return 0;
}
