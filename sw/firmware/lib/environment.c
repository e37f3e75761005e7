/* What hosted programs ask of their environment: there is little. */

#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

/* There are no variables but those that the program sets. */
static char *none[1];
char **environ = none;

/* Return the place of a variable, or the end. */
static char **find_variable(const char *name, size_t length)
{
    char **entry = environ;
    while (*entry && (strncmp(*entry, name, length) || (*entry)[length] != '='))
        entry++;
    return entry;
}

char *getenv(const char *name)
{
    size_t length = strlen(name);
    char *entry = *find_variable(name, length);
    return entry ? entry + length + 1 : NULL;
}

int unsetenv(const char *name)
{
    char **entry = find_variable(name, strlen(name));
    for (; *entry; entry++)
        entry[0] = entry[1];
    return 0;
}

int setenv(const char *name, const char *value, int overwrite)
{
    size_t length = strlen(name), count = 0;
    if (!length || strchr(name, '=')) {
        errno = EINVAL;
        return -1;
    }
    char **entry = find_variable(name, length);
    if (*entry && !overwrite)
        return 0;
    char *text = malloc(length + strlen(value) + 2);
    if (!text)
        return -1;
    stpcpy(stpcpy(stpcpy(text, name), "="), value);
    if (!*entry) {
        while (environ[count])
            count++;
        char **more = malloc((count + 2) * sizeof *more);
        if (!more) {
            free(text);
            return -1;
        }
        memcpy(more, environ, count * sizeof *more);
        more[count + 1] = NULL;
        environ = more;
        entry = more + count;
    }
    *entry = text;
    return 0;
}

/* There is no command processor. */
int system(const char *command)
{
    (void)command;
    return 0;
}
