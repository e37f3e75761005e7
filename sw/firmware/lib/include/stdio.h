#ifndef TILICHO_STDIO_H
#define TILICHO_STDIO_H

#include <stdarg.h>
#include <stddef.h>

#define EOF (-1)
#define BUFSIZ 1024

/* The three standard streams are the UART; there are no files. */
typedef struct tilicho_stream FILE;
extern FILE *const stdin, *const stdout, *const stderr;

int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int fprintf(FILE *stream, const char *format, ...) __attribute__((format(printf, 2, 3)));
int sprintf(char *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
int snprintf(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int vprintf(const char *format, va_list arguments);
int vfprintf(FILE *stream, const char *format, va_list arguments);
int vsprintf(char *out, const char *format, va_list arguments);
int vsnprintf(char *out, size_t size, const char *format, va_list arguments);

int putchar(int c);
int puts(const char *text);
int fputc(int c, FILE *stream);
int putc(int c, FILE *stream);
int fputs(const char *text, FILE *stream);
size_t fwrite(const void *data, size_t size, size_t count, FILE *stream);
int fflush(FILE *stream);
int ferror(FILE *stream);
int feof(FILE *stream);
void perror(const char *text);

int getchar(void);
int fgetc(FILE *stream);
int getc(FILE *stream);
char *fgets(char *line, int size, FILE *stream);
size_t fread(void *data, size_t size, size_t count, FILE *stream);

#endif
