/* The scanf family: one reader, two places to read from. */

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Longest number that is read. */
#define NUMBER_TEXT 400

/* A text, or a stream when `text` is null. */
struct source {
    const char *text;
    FILE *stream;
    int taken;
};

struct request {
    int drop, width, bytes;
};

static int peek(struct source *source)
{
    if (source->text)
        return *source->text ? (unsigned char)*source->text : EOF;
    return ungetc(getc(source->stream), source->stream);
}

static void take(struct source *source)
{
    source->taken++;
    if (source->text)
        source->text++;
    else
        getc(source->stream);
}

static void skip_space(struct source *source)
{
    while (isspace(peek(source)))
        take(source);
}

static const char *parse_request(const char *format, struct request *request)
{
    *request = (struct request){0, 0, sizeof(int)};
    if (*format == '*') {
        request->drop = 1;
        format++;
    }
    while (isdigit((unsigned char)*format))
        request->width = request->width * 10 + (*format++ - '0');
    for (;; format++) {
        if (*format == 'h')
            request->bytes /= 2;
        else if (*format == 'L')
            request->bytes = sizeof(long double);
        else if (*format && strchr("lzjt", *format))
            request->bytes = sizeof(long);
        else
            return format;
    }
}

struct number {
    struct source *source;
    char *text;
    int length, limit;
};

/* Take the next character if it is one of `wanted`. */
static int collect(struct number *number, const char *wanted)
{
    int c = peek(number->source);
    if (c == EOF || number->length == number->limit || !strchr(wanted, c))
        return 0;
    take(number->source);
    number->text[number->length++] = (char)c;
    number->text[number->length] = 0;
    return 1;
}

static int collect_digits(struct number *number, const char *digits)
{
    int count = 0;
    while (collect(number, digits))
        count++;
    return count;
}

static int read_number(struct source *source, const struct request *request, char *text,
                       struct number *number)
{
    skip_space(source);
    int limit = request->width && request->width < NUMBER_TEXT ? request->width : NUMBER_TEXT - 1;
    *number = (struct number){source, text, 0, limit};
    *text = 0;
    if (peek(source) == EOF)
        return EOF;
    collect(number, "+-");
    return 0;
}

static void store_integer(void *target, int bytes, uint64_t value)
{
    memcpy(target, &value, (size_t)bytes);
}

/* Like all that read, returns 1 for a value, 0 for another text, EOF at the end of the input. */
static int read_integer(struct source *source, const struct request *request, int base, int sign,
                        void *target)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    char text[NUMBER_TEXT], allowed[sizeof digits];
    struct number number;
    if (read_number(source, request, text, &number) == EOF)
        return EOF;
    int found = collect(&number, "0");
    if (found && (base == 0 || base == 16) && collect(&number, "xX")) {
        base = 16;
        found = 0;
    } else if (base == 0) {
        base = found ? 8 : 10;
    }
    strcpy(allowed, digits);
    if (base < 16)
        allowed[base] = 0;
    found += collect_digits(&number, allowed);
    if (!found)
        return 0;
    uint64_t value = sign ? (uint64_t)strtol(text, NULL, base) : strtoul(text, NULL, base);
    if (target)
        store_integer(target, request->bytes, value);
    return 1;
}

/* The letters of "infinity" or "nan", as far as they come. */
static int collect_name(struct number *number)
{
    static const char *const names[] = {"iI", "nN", "fF", "iI", "nN", "iI", "tT", "yY"};
    int length = 0;
    if (collect(number, "nN"))
        return collect(number, "aA") && collect(number, "nN");
    while (length < 8 && collect(number, names[length]))
        length++;
    return length == 3 || length == 8;
}

static int read_double(struct source *source, const struct request *request, void *target)
{
    char text[NUMBER_TEXT];
    struct number number;
    if (read_number(source, request, text, &number) == EOF)
        return EOF;
    const char *digits = "0123456789";
    int found = collect(&number, "0"), hexadecimal = found && collect(&number, "xX");
    if (hexadecimal) {
        digits = "0123456789abcdefABCDEF";
        found = 0;
    }
    found += collect_digits(&number, digits);
    if (collect(&number, "."))
        found += collect_digits(&number, digits);
    if (!found && (hexadecimal || !collect_name(&number)))
        return 0;
    if (found && collect(&number, hexadecimal ? "pP" : "eE")) {
        collect(&number, "+-");
        if (!collect_digits(&number, "0123456789"))
            return 0;
    }
    double value = strtod(text, NULL);
    if (!target)
        return 1;
    if (request->bytes == sizeof(long double))
        *(long double *)target = value;
    else if (request->bytes == sizeof(double))
        *(double *)target = value;
    else
        *(float *)target = (float)value;
    return 1;
}

/* `set` is what stands between the brackets of %[; null for %s and %c. */
static int in_set(int c, const char *set, size_t length)
{
    int inverted = length && *set == '^', found = 0;
    size_t i = (size_t)inverted;
    while (i < length) {
        int low = (unsigned char)set[i], high = low;
        if (i + 2 < length && set[i + 1] == '-') {
            high = (unsigned char)set[i + 2];
            i += 2;
        }
        found |= c >= low && c <= high;
        i++;
    }
    return found != inverted;
}

static int read_text(struct source *source, const struct request *request, char conversion,
                     const char *set, size_t length, char *target)
{
    int limit = request->width ? request->width : conversion == 'c' ? 1 : 0x7fffffff, count = 0;
    if (conversion == 's')
        skip_space(source);
    if (peek(source) == EOF)
        return EOF;
    for (int c; count < limit && (c = peek(source)) != EOF; count++) {
        if ((conversion == 's' && isspace(c)) || (conversion == '[' && !in_set(c, set, length)))
            break;
        take(source);
        if (target)
            *target++ = (char)c;
    }
    if (target && conversion != 'c' && count)
        *target = 0;
    return conversion == 'c' ? count == limit : count > 0;
}

/* The set ends with a bracket, which may also be its first member. */
static const char *end_of_set(const char *set)
{
    const char *end = set + (*set == '^');
    if (*end == ']')
        end++;
    return strchr(end, ']');
}

static int read_value(struct source *source, const struct request *request, const char **format,
                      void *target)
{
    const char *set = *format + 1;
    switch (**format) {
    case 'd':
        return read_integer(source, request, 10, 1, target);
    case 'i':
        return read_integer(source, request, 0, 1, target);
    case 'u':
        return read_integer(source, request, 10, 0, target);
    case 'o':
        return read_integer(source, request, 8, 0, target);
    case 'p': {
        struct request pointer = {request->drop, request->width, sizeof(void *)};
        return read_integer(source, &pointer, 16, 0, target);
    }
    case 'x':
    case 'X':
        return read_integer(source, request, 16, 0, target);
    case 's':
    case 'c':
        return read_text(source, request, **format, NULL, 0, target);
    case '[':
        *format = end_of_set(set);
        if (!*format)
            return 0;
        return read_text(source, request, '[', set, (size_t)(*format - set), target);
    default:
        return strchr("aAeEfFgG", **format) ? read_double(source, request, target) : 0;
    }
}

/* Take the one character that the format wants; at its end, EOF. */
static int match(struct source *source, char wanted)
{
    int c = peek(source);
    if (c != (unsigned char)wanted)
        return c == EOF ? EOF : 0;
    take(source);
    return 1;
}

static int scan(struct source *source, const char *format, va_list arguments)
{
    int assigned = 0, done;
    for (; *format; format++) {
        if (isspace((unsigned char)*format)) {
            skip_space(source);
            continue;
        }
        if (*format != '%' || format[1] == '%') {
            if (*format == '%') {
                format++;
                skip_space(source);
            }
            done = match(source, *format);
        } else {
            struct request request;
            format = parse_request(format + 1, &request);
            if (!*format)
                return assigned;
            void *target = request.drop ? NULL : va_arg(arguments, void *);
            if (*format == 'n') {
                if (target)
                    store_integer(target, request.bytes, (uint64_t)source->taken);
                continue;
            }
            done = read_value(source, &request, &format, target);
            assigned += done == 1 && target;
        }
        if (done != 1)
            return done == EOF && !assigned ? EOF : assigned;
    }
    return assigned;
}

int vsscanf(const char *text, const char *format, va_list arguments)
{
    return scan(&(struct source){text, NULL, 0}, format, arguments);
}

int vfscanf(FILE *stream, const char *format, va_list arguments)
{
    return scan(&(struct source){NULL, stream, 0}, format, arguments);
}

int vscanf(const char *format, va_list arguments)
{
    return vfscanf(stdin, format, arguments);
}

int sscanf(const char *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int assigned = vsscanf(text, format, arguments);
    va_end(arguments);
    return assigned;
}

int fscanf(FILE *stream, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int assigned = vfscanf(stream, format, arguments);
    va_end(arguments);
    return assigned;
}

int scanf(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int assigned = vscanf(format, arguments);
    va_end(arguments);
    return assigned;
}
