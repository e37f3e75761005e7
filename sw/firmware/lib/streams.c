/* What stdio.h has beyond standard C. */

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

ssize_t getdelim(char **__restrict line, size_t *__restrict size, int end,
                 FILE *__restrict stream)
{
    size_t used = 0;
    int c;
    while ((c = fgetc(stream)) != EOF) {
        if (!*line || used + 2 > *size) {
            size_t larger = *line && *size > 60 ? 2 * *size : 120;
            char *moved = realloc(*line, larger);
            if (!moved)
                return -1;
            *line = moved;
            *size = larger;
        }
        (*line)[used++] = (char)c;
        if (c == end)
            break;
    }
    if (!used)
        return -1;
    (*line)[used] = 0;
    return (ssize_t)used;
}

ssize_t getline(char **__restrict line, size_t *__restrict size, FILE *__restrict stream)
{
    return getdelim(line, size, '\n', stream);
}

int vasprintf(char **text, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    *text = length < 0 ? NULL : malloc((size_t)length + 1);
    return *text ? vsnprintf(*text, (size_t)length + 1, format, arguments) : -1;
}

int asprintf(char **text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(text, format, arguments);
    va_end(arguments);
    return length;
}

int fileno(FILE *stream)
{
    return stream == stdin ? STDIN_FILENO : stream == stdout ? STDOUT_FILENO : STDERR_FILENO;
}

FILE *fdopen(int file, const char *mode)
{
    (void)mode;
    if (file == STDIN_FILENO)
        return stdin;
    if (file == STDOUT_FILENO)
        return stdout;
    if (file == STDERR_FILENO)
        return stderr;
    errno = EBADF;
    return NULL;
}

int fgetpos(FILE *__restrict stream, fpos_t *__restrict place)
{
    return (*place = ftell(stream)) < 0 ? -1 : 0;
}

int fsetpos(FILE *stream, const fpos_t *place)
{
    return fseek(stream, *place, SEEK_SET);
}
