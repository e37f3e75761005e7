#ifndef TILICHO_ERR_H
#define TILICHO_ERR_H

#include <stdarg.h>

/* Messages to the standard error output, with what errno means or, with x, without. */
void warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void warnx(const char *format, ...) __attribute__((format(printf, 1, 2)));
void vwarn(const char *format, va_list arguments);
void vwarnx(const char *format, va_list arguments);

/* The same, then the end of the program. */
__attribute__((noreturn, format(printf, 2, 3))) void err(int status, const char *format, ...);
__attribute__((noreturn, format(printf, 2, 3))) void errx(int status, const char *format, ...);

#endif
