/* The standard streams on the UART. */

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "devices.h"

struct tilicho_stream {
    int ended;
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

/* An empty receiver is the end of the input: nobody types into a simulation. */
int fgetc(FILE *stream)
{
    if (UART_FR & UART_FR_RXFE) {
        stream->ended = 1;
        return EOF;
    }
    return (int)(UART_DR & 0xff);
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
