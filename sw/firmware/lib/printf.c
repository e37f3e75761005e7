/* The printf family: one formatter, two places to write to. */

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "format.h"

/* Either a buffer, of which `size` bytes may be used, or the UART when `buffer` is null. */
struct sink {
    char *buffer;
    size_t size, length;
};

struct spec {
    int left, plus, space, alternate, zero;
    int width, precision;
    int bytes, long_double;
};

static void put(struct sink *sink, char c)
{
    if (!sink->buffer)
        putchar(c);
    else if (sink->length + 1 < sink->size)
        sink->buffer[sink->length] = c;
    sink->length++;
}

static void put_repeated(struct sink *sink, char c, int count)
{
    while (count-- > 0)
        put(sink, c);
}

/* Sign or base prefix, `zeros` zeros and the text, in the field that the spec asks for. */
static void put_field(struct sink *sink, const struct spec *spec, const char *prefix, int zeros,
                      const char *text, int length)
{
    int prefix_length = (int)strlen(prefix);
    int padding = spec->width - prefix_length - zeros - length;
    if (spec->zero && !spec->left && padding > 0) {
        zeros += padding;
        padding = 0;
    }
    if (!spec->left)
        put_repeated(sink, ' ', padding);
    while (*prefix)
        put(sink, *prefix++);
    put_repeated(sink, '0', zeros);
    while (length-- > 0)
        put(sink, *text++);
    if (spec->left)
        put_repeated(sink, ' ', padding);
}

static void put_integer(struct sink *sink, struct spec *spec, uint64_t value, const char *prefix,
                        unsigned base, const char *digits)
{
    char text[24];
    char *first = text + sizeof text;
    for (uint64_t rest = value; rest; rest /= base)
        *--first = digits[rest % base];
    int length = (int)(text + sizeof text - first);
    int zeros = 0;
    if (spec->precision >= 0) {
        spec->zero = 0;
        zeros = spec->precision > length ? spec->precision - length : 0;
    } else if (!length) {
        zeros = 1;
    }
    if (spec->alternate && base == 8 && !zeros)
        zeros = 1;
    put_field(sink, spec, prefix, zeros, first, length);
}

static const char *sign_prefix(const struct spec *spec, int negative)
{
    return negative ? "-" : spec->plus ? "+" : spec->space ? " " : "";
}

static void put_float(struct sink *sink, struct spec *spec, double value, char conversion)
{
    char text[FLOAT_TEXT], prefix[4];
    int precision = spec->precision, length;
    strcpy(prefix, sign_prefix(spec, !!__builtin_signbit(value)));
    if (precision > MAX_FLOAT_PRECISION)
        precision = MAX_FLOAT_PRECISION;
    if ((conversion | 32) == 'a' && __builtin_isfinite(value)) {
        strcat(prefix, conversion == 'a' ? "0x" : "0X");
        length = __format_hexadecimal(text, value, conversion, precision, spec->alternate);
    } else {
        length = __format_double(text, value, conversion, precision < 0 ? 6 : precision,
                                 spec->alternate);
    }
    if (!__builtin_isfinite(value))
        spec->zero = 0;
    put_field(sink, spec, prefix, 0, text, length);
}

static const char *parse_number(const char *format, int *number, va_list *arguments)
{
    if (*format == '*') {
        *number = va_arg(*arguments, int);
        return format + 1;
    }
    *number = 0;
    while (*format >= '0' && *format <= '9')
        *number = *number * 10 + (*format++ - '0');
    return format;
}

/* Flags, width, precision and length modifier; returns the place of the conversion letter. */
static const char *parse_spec(const char *format, struct spec *spec, va_list *arguments)
{
    *spec = (struct spec){.precision = -1, .bytes = sizeof(int)};
    for (;; format++) {
        if (*format == '-')
            spec->left = 1;
        else if (*format == '+')
            spec->plus = 1;
        else if (*format == ' ')
            spec->space = 1;
        else if (*format == '#')
            spec->alternate = 1;
        else if (*format == '0')
            spec->zero = 1;
        else
            break;
    }
    format = parse_number(format, &spec->width, arguments);
    if (spec->width < 0) {
        spec->left = 1;
        spec->width = -spec->width;
    }
    if (*format == '.')
        format = parse_number(format + 1, &spec->precision, arguments);
    for (;; format++) {
        if (*format == 'h')
            spec->bytes /= 2;
        else if (*format == 'L')
            spec->long_double = 1;
        else if (*format && strchr("lzjt", *format))
            spec->bytes = sizeof(long);
        else
            return format;
    }
}

static int64_t signed_argument(const struct spec *spec, va_list *arguments)
{
    if (spec->bytes == sizeof(long))
        return va_arg(*arguments, long);
    int value = va_arg(*arguments, int);
    return spec->bytes == 1 ? (signed char)value : spec->bytes == 2 ? (short)value : value;
}

static uint64_t unsigned_argument(const struct spec *spec, va_list *arguments)
{
    if (spec->bytes == sizeof(long))
        return va_arg(*arguments, unsigned long);
    unsigned value = va_arg(*arguments, unsigned);
    return spec->bytes == 1 ? (unsigned char)value
         : spec->bytes == 2 ? (unsigned short)value : value;
}

static void store_length(const struct spec *spec, size_t length, va_list *arguments)
{
    void *target = va_arg(*arguments, void *);
    if (spec->bytes == 1)
        *(signed char *)target = (signed char)length;
    else if (spec->bytes == 2)
        *(short *)target = (short)length;
    else if (spec->bytes == 4)
        *(int *)target = (int)length;
    else
        *(long *)target = (long)length;
}

static void put_string(struct sink *sink, struct spec *spec, const char *text)
{
    if (!text)
        text = "(null)";
    size_t limit = spec->precision < 0 ? INT_MAX : (size_t)spec->precision;
    spec->zero = 0;
    put_field(sink, spec, "", 0, text, (int)strnlen(text, limit));
}

static void convert(struct sink *sink, struct spec *spec, char conversion, va_list *arguments)
{
    static const char lower[] = "0123456789abcdef", upper[] = "0123456789ABCDEF";
    uint64_t value;
    switch (conversion) {
    case 'd':
    case 'i': {
        int64_t number = signed_argument(spec, arguments);
        value = number < 0 ? -(uint64_t)number : (uint64_t)number;
        put_integer(sink, spec, value, sign_prefix(spec, number < 0), 10, lower);
        break;
    }
    case 'u':
        put_integer(sink, spec, unsigned_argument(spec, arguments), "", 10, lower);
        break;
    case 'o':
        put_integer(sink, spec, unsigned_argument(spec, arguments), "", 8, lower);
        break;
    case 'x':
        value = unsigned_argument(spec, arguments);
        put_integer(sink, spec, value, spec->alternate && value ? "0x" : "", 16, lower);
        break;
    case 'X':
        value = unsigned_argument(spec, arguments);
        put_integer(sink, spec, value, spec->alternate && value ? "0X" : "", 16, upper);
        break;
    case 'p':
        put_integer(sink, spec, (uint64_t)va_arg(*arguments, void *), "0x", 16, lower);
        break;
    case 'c': {
        char c = (char)va_arg(*arguments, int);
        spec->zero = 0;
        put_field(sink, spec, "", 0, &c, 1);
        break;
    }
    case 's':
        put_string(sink, spec, va_arg(*arguments, const char *));
        break;
    case 'a':
    case 'A':
    case 'f':
    case 'F':
    case 'e':
    case 'E':
    case 'g':
    case 'G':
        put_float(sink, spec,
                  spec->long_double ? (double)va_arg(*arguments, long double)
                                    : va_arg(*arguments, double), conversion);
        break;
    case 'n':
        store_length(spec, sink->length, arguments);
        break;
    default:
        put(sink, conversion);
    }
}

static int format_all(struct sink *sink, const char *format, va_list source)
{
    va_list arguments;
    va_copy(arguments, source);
    for (; *format; format++) {
        if (*format != '%') {
            put(sink, *format);
            continue;
        }
        struct spec spec;
        format = parse_spec(format + 1, &spec, &arguments);
        if (!*format)
            break;
        convert(sink, &spec, *format, &arguments);
    }
    va_end(arguments);
    return (int)sink->length;
}

int vsnprintf(char *out, size_t size, const char *format, va_list arguments)
{
    /* A null or empty buffer only counts: the sink still needs an address that is not null. */
    char nothing;
    struct sink sink = {size ? out : &nothing, size, 0};
    int length = format_all(&sink, format, arguments);
    if (size)
        out[sink.length < size ? sink.length : size - 1] = 0;
    return length;
}

int vfprintf(FILE *stream, const char *format, va_list arguments)
{
    (void)stream;
    struct sink sink = {NULL, 0, 0};
    return format_all(&sink, format, arguments);
}

int vprintf(const char *format, va_list arguments)
{
    return vfprintf(stdout, format, arguments);
}

int vsprintf(char *out, const char *format, va_list arguments)
{
    return vsnprintf(out, INT_MAX, format, arguments);
}

int printf(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vprintf(format, arguments);
    va_end(arguments);
    return length;
}

int fprintf(FILE *stream, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vfprintf(stream, format, arguments);
    va_end(arguments);
    return length;
}

int dprintf(int file, const char *format, ...)
{
    FILE *stream = fdopen(file, "w");
    va_list arguments;
    va_start(arguments, format);
    int length = stream ? vfprintf(stream, format, arguments) : -1;
    va_end(arguments);
    return length;
}

int sprintf(char *out, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsprintf(out, format, arguments);
    va_end(arguments);
    return length;
}

int snprintf(char *out, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(out, size, format, arguments);
    va_end(arguments);
    return length;
}
