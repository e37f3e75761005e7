/* Texts of bytes and characters: base 64 (RFC 4648) and UTF-8 (RFC 3629), there and back. */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define BYTES 1000

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int encode(char *out, const uint8_t *data, int bytes)
{
    const char *start = out;
    for (; bytes > 0; bytes -= 3, data += 3) {
        uint32_t group = (uint32_t)data[0] << 16;
        if (bytes > 1)
            group |= (uint32_t)data[1] << 8;
        if (bytes > 2)
            group |= data[2];
        *out++ = alphabet[group >> 18];
        *out++ = alphabet[group >> 12 & 63];
        *out++ = bytes > 1 ? alphabet[group >> 6 & 63] : '=';
        *out++ = bytes > 2 ? alphabet[group & 63] : '=';
    }
    *out = 0;
    return (int)(out - start);
}

static int digit_of(int c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Return the number of bytes, or -1 for a wrong text. */
static int decode(uint8_t *out, const char *text)
{
    const uint8_t *start = out;
    uint32_t group = 0;
    int digits = 0;
    for (; *text && *text != '='; text++) {
        int digit = digit_of((unsigned char)*text);
        if (digit < 0)
            return -1;
        group = group << 6 | (uint32_t)digit;
        if (++digits % 4 == 0) {
            *out++ = (uint8_t)(group >> 16);
            *out++ = (uint8_t)(group >> 8);
            *out++ = (uint8_t)group;
        }
    }
    if (strlen(text) != (size_t)(-digits & 3) || digits % 4 == 1)
        return -1;
    if (digits % 4 >= 2)
        *out++ = (uint8_t)(group >> (digits % 4 == 2 ? 4 : 10));
    if (digits % 4 == 3)
        *out++ = (uint8_t)(group >> 2);
    return (int)(out - start);
}

static int put_character(uint8_t *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    int size = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (int i = size - 1; i > 0; i--, c >>= 6)
        out[i] = (uint8_t)(0x80 | (c & 0x3f));
    out[0] = (uint8_t)(0xf00 >> size | c);
    return size;
}

/* Return the number of bytes, or 0 for what is no character. */
static int get_character(const uint8_t *in, uint32_t *result)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t c = in[0];
    int size = c < 0x80 ? 1 : c < 0xc0 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf8 ? 4 : 0;
    if (size > 1)
        c &= 0x7fu >> size;
    for (int i = 1; i < size; i++) {
        if (in[i] >> 6 != 2)
            return 0;
        c = c << 6 | (in[i] & 0x3f);
    }
    if (c < least[size] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
        return 0;
    *result = c;
    return size;
}

static int check_known(void)
{
    static const char *const known[] = {"", "", "f", "Zg==", "fo", "Zm8=", "foo", "Zm9v",
                                        "foob", "Zm9vYg==", "fooba", "Zm9vYmE=", "foobar",
                                        "Zm9vYmFy"};
    static const char *const wrong_texts[] = {"Z", "Zg=", "Zg", "Zm9v=", "Z!==", "Zm9vY==="};
    static const uint8_t wrong_bytes[][4] = {{0x80}, {0xc0, 0xaf}, {0xe0, 0x80, 0x80}, {0xff},
                                             {0xed, 0xa0, 0x80}, {0xf4, 0x90, 0x80, 0x80},
                                             {0xe2, 0x82, 'x'}};
    char text[16];
    uint8_t data[16];
    uint32_t c;
    int wrong = 0;
    for (int i = 0; i < 14; i += 2) {
        int bytes = (int)strlen(known[i]);
        encode(text, (const uint8_t *)known[i], bytes);
        wrong += strcmp(text, known[i + 1]) != 0;
        wrong += decode(data, text) != bytes || memcmp(data, known[i], (size_t)bytes);
    }
    for (int i = 0; i < 6; i++)
        wrong += decode(data, wrong_texts[i]) != -1;
    for (int i = 0; i < 7; i++)
        wrong += get_character(wrong_bytes[i], &c) != 0;
    wrong += put_character(data, 0x20ac) != 3 || memcmp(data, "\xe2\x82\xac", 3);
    wrong += put_character(data, 0x1f600) != 4 || memcmp(data, "\xf0\x9f\x98\x80", 4);
    return wrong;
}

int main(void)
{
    static uint8_t data[BYTES], again[BYTES + 3];
    static char text[BYTES * 4 / 3 + 8];
    int wrong = check_known(), characters = 0, bytes = 0;
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < BYTES; i++)
            data[i] = (uint8_t)(i * i * 7 + i / 3 + round);
        int length = encode(text, data, BYTES - round);
        wrong += length != (BYTES - round + 2) / 3 * 4;
        wrong += decode(again, text) != BYTES - round || memcmp(data, again, BYTES - 2);
    }
    printf("%.32s\n", text);
    uint8_t *end = data;
    for (uint32_t c = 1; c < 0x110000 && end < data + BYTES - 4; c += c / 64 + 1)
        if (c < 0xd800 || c >= 0xe000) {
            end += put_character(end, c);
            characters++;
        }
    for (int round = 0; round < 4; round++) {
        uint32_t c, last = 0;
        const uint8_t *at = data;
        bytes = (int)(end - data);
        for (int i = 0, size; i < characters && (size = get_character(at, &c)); i++, at += size) {
            wrong += c <= last;
            last = c;
        }
        wrong += at != end;
    }
    printf("%d characters in %d bytes, %d wrong\n", characters, bytes, wrong);
    return wrong != 0;
}
