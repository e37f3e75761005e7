#ifndef TILICHO_STDIO_H
#define TILICHO_STDIO_H

#include <stdarg.h>
#include <stddef.h>

#define EOF (-1)
#define BUFSIZ 1024
#define FILENAME_MAX 256
#define FOPEN_MAX 3
#define TMP_MAX 0
#define L_tmpnam 16
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2
#define _IOFBF 0
#define _IOLBF 1
#define _IONBF 2

typedef long fpos_t;
typedef long ssize_t;

/* The three standard streams are the UART; there are no files. */
typedef struct tilicho_stream FILE;
extern FILE *const stdin, *const stdout, *const stderr;
#define stdin stdin
#define stdout stdout
#define stderr stderr

int printf(const char *format, ...) __attribute__((format(printf, 1, 2)));
int fprintf(FILE *stream, const char *format, ...) __attribute__((format(printf, 2, 3)));
int sprintf(char *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
int snprintf(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int vprintf(const char *format, va_list arguments);
int vfprintf(FILE *stream, const char *format, va_list arguments);
int vsprintf(char *out, const char *format, va_list arguments);
int asprintf(char **text, const char *format, ...) __attribute__((format(printf, 2, 3)));
int vasprintf(char **text, const char *format, va_list arguments);
int dprintf(int file, const char *format, ...) __attribute__((format(printf, 2, 3)));
int vsnprintf(char *out, size_t size, const char *format, va_list arguments);

int scanf(const char *format, ...) __attribute__((format(scanf, 1, 2)));
int fscanf(FILE *stream, const char *format, ...) __attribute__((format(scanf, 2, 3)));
int sscanf(const char *text, const char *format, ...) __attribute__((format(scanf, 2, 3)));
int vscanf(const char *format, va_list arguments);
int vfscanf(FILE *stream, const char *format, va_list arguments);
int vsscanf(const char *text, const char *format, va_list arguments);

int putchar(int c);
#define putc_unlocked(c, stream) putc(c, stream)
#define putchar_unlocked(c) putchar(c)
int puts(const char *text);
int fputc(int c, FILE *stream);
int putc(int c, FILE *stream);
int fputs(const char *text, FILE *stream);
size_t fwrite(const void *data, size_t size, size_t count, FILE *stream);
int fflush(FILE *stream);
int ferror(FILE *stream);
int feof(FILE *stream);
void clearerr(FILE *stream);
void perror(const char *text);

int getchar(void);
#define getc_unlocked(stream) getc(stream)
#define getchar_unlocked() getchar()
int fgetc(FILE *stream);
int getc(FILE *stream);
int ungetc(int c, FILE *stream);
char *fgets(char *line, int size, FILE *stream);
ssize_t getline(char **__restrict line, size_t *__restrict size, FILE *__restrict stream);
ssize_t getdelim(char **__restrict line, size_t *__restrict size, int end,
                 FILE *__restrict stream);
size_t fread(void *data, size_t size, size_t count, FILE *stream);

/* "/dev/stdin", "/dev/stdout" and "/dev/stderr" are the only names that exist. */
FILE *fopen(const char *name, const char *mode);
FILE *freopen(const char *name, const char *mode, FILE *stream);
FILE *tmpfile(void);
char *tmpnam(char *name);
int fclose(FILE *stream);
int fseek(FILE *stream, long offset, int origin);
long ftell(FILE *stream);
void rewind(FILE *stream);
int fgetpos(FILE *__restrict stream, fpos_t *__restrict place);
int fsetpos(FILE *stream, const fpos_t *place);
int fileno(FILE *stream);
FILE *fdopen(int file, const char *mode);
int setvbuf(FILE *stream, char *buffer, int mode, size_t size);
void setbuf(FILE *stream, char *buffer);
int remove(const char *name);
int rename(const char *from, const char *to);

#endif
