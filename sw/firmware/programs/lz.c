/* A dictionary compressor with chains of hashes, and its decompressor, on text and on noise. */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define SIZE 1800
#define HASHES 512
#define CHAIN 8
#define LEAST 3
#define MOST (LEAST + 63)

static uint8_t input[SIZE], packed[2 * SIZE], output[SIZE];
static int16_t latest[HASHES], earlier[SIZE];

/* A token: a byte with the top bit clear is that many literals and one more, which follow; with the
   top bit set, six bits of length and, over the next byte too, nine of distance. */
static uint8_t *put_literals(uint8_t *out, const uint8_t *from, int count)
{
    while (count) {
        int run = count < 128 ? count : 128;
        *out++ = (uint8_t)(run - 1);
        memcpy(out, from, (size_t)run);
        out += run;
        from += run;
        count -= run;
    }
    return out;
}

static unsigned hash(const uint8_t *at)
{
    return (at[0] * 0x9e5fu ^ at[1] * 0x4f1bu ^ at[2] * 0x27d4u) >> 4 & (HASHES - 1);
}

static int match_length(const uint8_t *a, const uint8_t *b, int limit)
{
    int length = 0;
    while (length < limit && a[length] == b[length])
        length++;
    return length;
}

static void remember(int at, int size)
{
    if (at + LEAST > size)
        return;
    unsigned slot = hash(input + at);
    earlier[at] = latest[slot];
    latest[slot] = (int16_t)at;
}

static int compress(int size)
{
    uint8_t *out = packed;
    int pending = 0, at = 0;
    memset(latest, -1, sizeof latest);
    while (at < size) {
        int best = 0, from = 0, limit = size - at < MOST ? size - at : MOST;
        if (limit >= LEAST) {
            int candidate = latest[hash(input + at)];
            for (int i = 0; i < CHAIN && candidate >= 0 && at - candidate <= 512; i++) {
                int length = match_length(input + candidate, input + at, limit);
                if (length > best) {
                    best = length;
                    from = candidate;
                }
                candidate = earlier[candidate];
            }
        }
        if (best < LEAST) {
            remember(at, size);
            at++;
            continue;
        }
        out = put_literals(out, input + pending, at - pending);
        int distance = at - from - 1;
        *out++ = (uint8_t)(0x80 | (best - LEAST) << 1 | distance >> 8);
        *out++ = (uint8_t)distance;
        for (int end = at + best; at < end; at++)
            remember(at, size);
        pending = at;
    }
    out = put_literals(out, input + pending, at - pending);
    return (int)(out - packed);
}

static int decompress(int bytes)
{
    const uint8_t *in = packed, *end = packed + bytes;
    uint8_t *out = output;
    while (in < end) {
        uint8_t token = *in++;
        if (token < 0x80) {
            memcpy(out, in, token + 1u);
            in += token + 1;
            out += token + 1;
        } else {
            const uint8_t *from = out - 1 - ((token & 1) << 8 | *in++);
            for (int length = (token >> 1 & 63) + LEAST; length--;)
                *out++ = *from++;
        }
    }
    return (int)(out - output);
}

static uint32_t next_random(void)
{
    static uint32_t state = 2463534242u;
    state ^= state << 13;
    state ^= state >> 17;
    return state ^= state << 5;
}

static void write_text(void)
{
    static const char *const words[] = {
        "the ", "core ", "fetches ", "an ", "instruction ", "and ", "writes ", "its ", "result ",
        "to ", "memory, ", "while ", "another ", "line ", "of ", "cache ", "waits. "};
    size_t used = 0;
    while (used < SIZE) {
        const char *word = words[next_random() % 17];
        size_t length = strlen(word);
        if (length > SIZE - used)
            length = SIZE - used;
        memcpy(input + used, word, length);
        used += length;
    }
}

static int check(const char *name, int size)
{
    memset(output, 0, sizeof output);
    int bytes = compress(size), restored = decompress(bytes);
    printf("%s: %d bytes to %d\n", name, size, bytes);
    return restored != size || memcmp(input, output, (size_t)size) ? 10000 : bytes;
}

int main(void)
{
    int wrong = 0;
    write_text();
    wrong += check("text", SIZE) > SIZE / 2;
    for (int i = 0; i < 800; i++)
        input[i] = (uint8_t)next_random();
    wrong += check("noise", 800) > 810;
    memset(input, 'x', SIZE);
    wrong += check("one letter", SIZE) > 100;
    wrong += check("nothing", 0) != 0;
    return wrong != 0;
}
