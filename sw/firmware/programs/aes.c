/* AES-128 and AES-256: without tables, eight bytes at a time, and with one table of rounds.
   FIPS 197, appendix C, and SP 800-38A, F.5. */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ONES 0x0101010101010101u
#define BLOCKS 96

struct key {
    uint32_t word[60];
    int rounds;
};

static uint32_t round_table[256];
static uint8_t substitution[256];

static uint64_t times_x(uint64_t a)
{
    return (a & 0x7f * ONES) << 1 ^ (a >> 7 & ONES) * 0x1b;
}

/* Eight products in the field of 256 elements. */
static uint64_t multiply(uint64_t a, uint64_t b)
{
    uint64_t product = 0;
    for (int bit = 0; bit < 8; bit++) {
        product ^= a & (b >> bit & ONES) * 0xff;
        a = times_x(a);
    }
    return product;
}

static uint64_t rotate_bytes(uint64_t a, int by)
{
    return (a << by & (0xffu << by & 0xff) * ONES) | (a >> (8 - by) & (0xffu >> (8 - by)) * ONES);
}

/* The S-box is the inverse, a power of 254, behind an affine map. */
static uint64_t substitute(uint64_t x)
{
    uint64_t x2 = multiply(x, x), x3 = multiply(x2, x), x6 = multiply(x3, x3);
    uint64_t x12 = multiply(x6, x6), power = multiply(x12, x3);
    for (int i = 0; i < 4; i++)
        power = multiply(power, power);
    uint64_t inverse = multiply(multiply(power, x12), x2);
    return inverse ^ rotate_bytes(inverse, 1) ^ rotate_bytes(inverse, 2) ^
           rotate_bytes(inverse, 3) ^ rotate_bytes(inverse, 4) ^ 0x63 * ONES;
}

static uint32_t rotate_right(uint32_t x, int by)
{
    return x >> by | x << (32 - by);
}

static void expand_key(struct key *key, const uint8_t *bytes, int words)
{
    uint32_t round_constant = 1;
    key->rounds = words + 6;
    memcpy(key->word, bytes, 4 * (size_t)words);
    for (int i = words; i < 4 * (key->rounds + 1); i++) {
        uint32_t word = key->word[i - 1];
        if (i % words == 0) {
            word = (uint32_t)substitute(rotate_right(word, 8)) ^ round_constant;
            round_constant = (uint32_t)times_x(round_constant);
        } else if (words == 8 && i % words == 4) {
            word = (uint32_t)substitute(word);
        }
        key->word[i] = key->word[i - words] ^ word;
    }
}

static void add_key(uint8_t *block, const uint32_t *words)
{
    uint64_t state[2], key[2];
    memcpy(state, block, 16);
    memcpy(key, words, 16);
    state[0] ^= key[0];
    state[1] ^= key[1];
    memcpy(block, state, 16);
}

static void encrypt_without_tables(const struct key *key, uint8_t *block)
{
    add_key(block, key->word);
    for (int round = 1; round <= key->rounds; round++) {
        uint8_t shifted[16];
        uint64_t half[2];
        memcpy(half, block, 16);
        half[0] = substitute(half[0]);
        half[1] = substitute(half[1]);
        memcpy(block, half, 16);
        for (int i = 0; i < 16; i++)
            shifted[i] = block[5 * i % 16];
        for (int i = 0; i < 4 && round < key->rounds; i++) {
            uint32_t a;
            memcpy(&a, shifted + 4 * i, 4);
            uint32_t b = rotate_right(a, 8);
            a = (uint32_t)times_x(a ^ b) ^ b ^ rotate_right(a, 16) ^ rotate_right(a, 24);
            memcpy(shifted + 4 * i, &a, 4);
        }
        memcpy(block, shifted, 16);
        add_key(block, key->word + 4 * round);
    }
}

static void make_tables(void)
{
    for (unsigned i = 0; i < 256; i += 8) {
        uint64_t s = substitute(0x0706050403020100u + i * ONES);
        memcpy(substitution + i, &s, 8);
    }
    for (int i = 0; i < 256; i++) {
        uint32_t s = substitution[i], twice = (uint32_t)times_x(s);
        round_table[i] = twice | s << 8 | s << 16 | (twice ^ s) << 24;
    }
}

static void encrypt_with_tables(const struct key *key, uint8_t *block)
{
    uint32_t s[4], t[4];
    const uint32_t *words = key->word;
    memcpy(s, block, 16);
    for (int i = 0; i < 4; i++)
        s[i] ^= *words++;
    for (int round = 1; round < key->rounds; round++) {
        for (int i = 0; i < 4; i++)
            t[i] = round_table[s[i] & 0xff] ^
                   rotate_right(round_table[s[(i + 1) % 4] >> 8 & 0xff], 24) ^
                   rotate_right(round_table[s[(i + 2) % 4] >> 16 & 0xff], 16) ^
                   rotate_right(round_table[s[(i + 3) % 4] >> 24], 8) ^ *words++;
        memcpy(s, t, sizeof s);
    }
    for (int i = 0; i < 4; i++)
        t[i] = ((uint32_t)substitution[s[i] & 0xff] |
                (uint32_t)substitution[s[(i + 1) % 4] >> 8 & 0xff] << 8 |
                (uint32_t)substitution[s[(i + 2) % 4] >> 16 & 0xff] << 16 |
                (uint32_t)substitution[s[(i + 3) % 4] >> 24] << 24) ^ *words++;
    memcpy(block, t, 16);
}

static void counter_mode(const struct key *key, const uint8_t *start, uint8_t *data, int blocks)
{
    uint8_t counter[16], stream[16];
    memcpy(counter, start, 16);
    for (; blocks--; data += 16) {
        memcpy(stream, counter, 16);
        encrypt_with_tables(key, stream);
        for (int i = 0; i < 16; i++)
            data[i] ^= stream[i];
        for (int i = 16; i-- && !++counter[i];)
            ;
    }
}

static int check(const char *name, const uint8_t *data, int bytes, const char *wanted)
{
    char text[129];
    for (int i = 0; i < bytes; i++)
        sprintf(text + 2 * i, "%02x", data[i]);
    printf("%s %s\n", name, text);
    return strcmp(text, wanted) != 0;
}

int main(void)
{
    static const uint8_t counter_key[] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                          0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
    static const uint8_t message[] = {
        0x6b, 0xc1, 0xbe, 0xe2, 0x2e, 0x40, 0x9f, 0x96, 0xe9, 0x3d, 0x7e, 0x11, 0x73, 0x93, 0x17,
        0x2a, 0xae, 0x2d, 0x8a, 0x57, 0x1e, 0x03, 0xac, 0x9c, 0x9e, 0xb7, 0x6f, 0xac, 0x45, 0xaf,
        0x8e, 0x51};
    static uint8_t bulk[16 * BLOCKS];
    uint8_t plain[16], bytes[32], block[32], start[16];
    struct key key;
    int wrong = 0;
    make_tables();
    for (int i = 0; i < 32; i++)
        bytes[i] = (uint8_t)i;
    for (int i = 0; i < 16; i++) {
        plain[i] = (uint8_t)(i * 0x11);
        start[i] = (uint8_t)(0xf0 + i);
    }
    for (int words = 4; words <= 8; words += 4) {
        const char *wanted = words == 4 ? "69c4e0d86a7b0430d8cdb78070b4c55a"
                                        : "8ea2b7ca516745bfeafc49904b496089";
        expand_key(&key, bytes, words);
        memcpy(block, plain, 16);
        encrypt_without_tables(&key, block);
        wrong += check("without tables", block, 16, wanted);
        memcpy(block, plain, 16);
        encrypt_with_tables(&key, block);
        wrong += check("with tables", block, 16, wanted);
    }
    /* AES-256 over a longer text, there and back. */
    counter_mode(&key, start, bulk, BLOCKS);
    wrong += check("stream ends", bulk + sizeof bulk - 16, 16, "5aa1aefc97230fe410b0be710f336c49");
    counter_mode(&key, start, bulk, BLOCKS);
    for (int i = 0; i < (int)sizeof bulk; i++)
        wrong += bulk[i] != 0;
    expand_key(&key, counter_key, 4);
    memcpy(block, message, 32);
    counter_mode(&key, start, block, 2);
    wrong += check("counter mode", block, 32,
                   "874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff");
    return wrong != 0;
}
