/* Huffman's codes: built with a heap, made canonical, used to write and read a stream of bits. */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define SYMBOLS 64
#define BYTES 600
#define LONGEST 20

struct code {
    uint32_t bits;
    int length;
};

static uint8_t input[BYTES], packed[2 * BYTES], output[BYTES];
static uint32_t weight[2 * SYMBOLS];
static int parent[2 * SYMBOLS], heap[SYMBOLS + 1], heap_size;
static struct code codes[SYMBOLS];
static uint32_t first_code[LONGEST + 2];
static int first_index[LONGEST + 2], by_code[SYMBOLS];

static void push(int node)
{
    int at = ++heap_size;
    for (; at > 1 && weight[heap[at / 2]] > weight[node]; at /= 2)
        heap[at] = heap[at / 2];
    heap[at] = node;
}

static int pop(void)
{
    int least = heap[1], last = heap[heap_size--], at = 1;
    for (int child; (child = 2 * at) <= heap_size; at = child) {
        if (child < heap_size && weight[heap[child + 1]] < weight[heap[child]])
            child++;
        if (weight[heap[child]] >= weight[last])
            break;
        heap[at] = heap[child];
    }
    heap[at] = last;
    return least;
}

/* Return the weighted length of the codes. */
static uint32_t build(void)
{
    uint32_t total = 0;
    int next = SYMBOLS;
    memset(weight, 0, sizeof weight);
    for (int i = 0; i < BYTES; i++)
        weight[input[i]]++;
    for (int i = 0; i < SYMBOLS; i++)
        if (weight[i])
            push(i);
    while (heap_size > 1) {
        int a = pop(), b = pop();
        weight[next] = weight[a] + weight[b];
        total += weight[next];
        parent[a] = parent[b] = next;
        push(next++);
    }
    int root = pop();
    for (int i = 0; i < SYMBOLS; i++) {
        codes[i].length = 0;
        for (int node = i; weight[i] && node != root; node = parent[node])
            codes[i].length++;
    }
    return total;
}

static void number_codes(void)
{
    uint32_t code = 0;
    int index = 0;
    for (int length = 1; length <= LONGEST; length++) {
        first_code[length] = code;
        first_index[length] = index;
        for (int i = 0; i < SYMBOLS; i++)
            if (codes[i].length == length) {
                codes[i].bits = code++;
                by_code[index++] = i;
            }
        code <<= 1;
    }
    first_index[LONGEST + 1] = index;
}

static uint32_t encode(void)
{
    uint64_t held = 0;
    uint32_t written = 0;
    int waiting = 0;
    for (int i = 0; i < BYTES; i++) {
        const struct code *code = &codes[input[i]];
        held = held << code->length | code->bits;
        waiting += code->length;
        written += (uint32_t)code->length;
        for (; waiting >= 8; waiting -= 8)
            packed[(written - (uint32_t)waiting) / 8] = (uint8_t)(held >> (waiting - 8));
    }
    if (waiting)
        packed[written / 8] = (uint8_t)(held << (8 - waiting));
    return written;
}

static void decode(void)
{
    uint32_t at = 0;
    for (int i = 0; i < BYTES; i++) {
        uint32_t code = 0;
        for (int length = 1; length <= LONGEST; length++, at++) {
            code = code << 1 | (packed[at / 8] >> (7 - at % 8) & 1);
            int count = first_index[length + 1] - first_index[length];
            uint32_t index = code - first_code[length];
            if (index < (uint32_t)count) {
                output[i] = (uint8_t)by_code[(uint32_t)first_index[length] + index];
                at++;
                break;
            }
        }
    }
}

int main(void)
{
    int wrong = 0;
    uint32_t state = 31415;
    for (int skew = 1; skew <= 3; skew++) {
        for (int i = 0; i < BYTES; i++) {
            uint32_t value = SYMBOLS - 1;
            for (int round = 0; round < skew; round++) {
                state = state * 1664525 + 1013904223;
                value = value * (state >> 16) >> 16;
            }
            input[i] = (uint8_t)value;
        }
        uint32_t expected = build();
        number_codes();
        uint32_t bits = encode();
        memset(output, 0, sizeof output);
        decode();
        /* Kraft's sum of a complete code is one. */
        uint32_t kraft = 0;
        for (int i = 0; i < SYMBOLS; i++)
            kraft += codes[i].length ? 1u << (LONGEST - codes[i].length) : 0;
        wrong += bits != expected || kraft != 1u << LONGEST || memcmp(input, output, BYTES);
        printf("%d bytes in %u bits\n", BYTES, (unsigned)bits);
    }
    return wrong != 0;
}
