/* The standard streams on the UART. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "devices.h"

#define MOST_WAITING 4

struct tilicho_stream {
    int ended;
    /* What ungetc() has put back; scanf() may have done so, too, just before the user does. */
    int waiting;
    unsigned char put_back[MOST_WAITING];
};

static FILE input, output, error_output;
FILE *const stdin = &input, *const stdout = &output, *const stderr = &error_output;

int fputc(int c, FILE *stream)
{
    (void)stream;
    while (UART_FR & UART_FR_TXFF)
        ;
    UART_DR = (unsigned char)c;
    return (unsigned char)c;
}

int putc(int c, FILE *stream)
{
    return fputc(c, stream);
}

int putchar(int c)
{
    return fputc(c, stdout);
}

size_t fwrite(const void *data, size_t size, size_t count, FILE *stream)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size * count; i++)
        fputc(bytes[i], stream);
    return count;
}

int fputs(const char *text, FILE *stream)
{
    fwrite(text, 1, strlen(text), stream);
    return 1;
}

int puts(const char *text)
{
    fputs(text, stdout);
    putchar('\n');
    return 1;
}

int fflush(FILE *stream)
{
    (void)stream;
    return 0;
}

int setvbuf(FILE *stream, char *buffer, int mode, size_t size)
{
    (void)stream, (void)buffer, (void)mode, (void)size;
    return 0;
}

void setbuf(FILE *stream, char *buffer)
{
    (void)stream, (void)buffer;
}

int ferror(FILE *stream)
{
    (void)stream;
    return 0;
}

int feof(FILE *stream)
{
    return stream->ended;
}

void perror(const char *text)
{
    fprintf(stderr, "%s: %s\n", text, strerror(errno));
}

void clearerr(FILE *stream)
{
    stream->ended = 0;
}

/* An empty receiver is the end of the input: nobody types into a simulation. */
int fgetc(FILE *stream)
{
    if (stream->waiting)
        return stream->put_back[--stream->waiting];
    if (stream != stdin || UART_FR & UART_FR_RXFE) {
        stream->ended = 1;
        return EOF;
    }
    return (int)(UART_DR & 0xff);
}

int ungetc(int c, FILE *stream)
{
    if (c == EOF || stream->waiting == MOST_WAITING)
        return EOF;
    stream->put_back[stream->waiting++] = (unsigned char)c;
    stream->ended = 0;
    return (unsigned char)c;
}

int getc(FILE *stream)
{
    return fgetc(stream);
}

int getchar(void)
{
    return fgetc(stdin);
}

char *fgets(char *line, int size, FILE *stream)
{
    int used = 0;
    while (used < size - 1) {
        int c = fgetc(stream);
        if (c == EOF)
            break;
        line[used++] = (char)c;
        if (c == '\n')
            break;
    }
    if (!used)
        return NULL;
    line[used] = 0;
    return line;
}

size_t fread(void *data, size_t size, size_t count, FILE *stream)
{
    unsigned char *bytes = data;
    size_t total = size * count, done = 0;
    while (done < total) {
        int c = fgetc(stream);
        if (c == EOF)
            break;
        bytes[done++] = (unsigned char)c;
    }
    return size ? done / size : 0;
}

/* There are no files: whoever looks for one is told that it is not there. */
FILE *fopen(const char *name, const char *mode)
{
    (void)mode;
    if (!strcmp(name, "/dev/stdin"))
        return stdin;
    if (!strcmp(name, "/dev/stdout"))
        return stdout;
    if (!strcmp(name, "/dev/stderr"))
        return stderr;
    errno = ENOENT;
    return NULL;
}

FILE *freopen(const char *name, const char *mode, FILE *stream)
{
    (void)stream;
    return fopen(name, mode);
}

FILE *tmpfile(void)
{
    return fopen("", "");
}

char *tmpnam(char *name)
{
    (void)name;
    return NULL;
}

int fclose(FILE *stream)
{
    (void)stream;
    return 0;
}

int remove(const char *name)
{
    (void)name;
    errno = ENOENT;
    return -1;
}

int rename(const char *from, const char *to)
{
    (void)to;
    return remove(from);
}

int fseek(FILE *stream, long offset, int origin)
{
    (void)stream, (void)offset, (void)origin;
    errno = ESPIPE;
    return -1;
}

long ftell(FILE *stream)
{
    return fseek(stream, 0, SEEK_CUR);
}

void rewind(FILE *stream)
{
    stream->ended = 0;
}
