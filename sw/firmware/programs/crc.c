/* CRC-32 three ways: bit by bit, by table, and with the CRC32 instructions. */

#include <arm_acle.h>
#include <stdint.h>
#include <stdio.h>

static uint32_t bitwise(uint32_t crc, const uint8_t *data, int bytes, uint32_t polynomial)
{
    for (int i = 0; i < bytes; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ polynomial : crc >> 1;
    }
    return crc;
}

static uint32_t by_table(uint32_t crc, const uint8_t *data, int bytes)
{
    static uint32_t table[256];
    if (!table[1])
        for (uint32_t i = 0; i < 256; i++) {
            uint8_t byte = (uint8_t)i;
            table[i] = bitwise(0, &byte, 1, 0xedb88320);
        }
    for (int i = 0; i < bytes; i++)
        crc = crc >> 8 ^ table[(crc ^ data[i]) & 0xff];
    return crc;
}

static uint32_t by_instruction(uint32_t crc, const uint8_t *data, int bytes, int castagnoli)
{
    for (; bytes >= 8; bytes -= 8, data += 8) {
        uint64_t word;
        __builtin_memcpy(&word, data, 8);
        crc = castagnoli ? __crc32cd(crc, word) : __crc32d(crc, word);
    }
    for (; bytes; bytes--, data++)
        crc = castagnoli ? __crc32cb(crc, *data) : __crc32b(crc, *data);
    return crc;
}

int main(void)
{
    static uint8_t data[1789];
    for (int i = 0; i < (int)sizeof data; i++)
        data[i] = (uint8_t)(i * 37 ^ i >> 3);
    int bytes = sizeof data - 1;
    /* From an odd address on: the eight-byte loads are not aligned. */
    uint32_t a = ~bitwise(~0u, data + 1, bytes, 0xedb88320);
    uint32_t b = ~by_table(~0u, data + 1, bytes);
    uint32_t c = ~by_instruction(~0u, data + 1, bytes, 0);
    uint32_t d = ~bitwise(~0u, data + 1, bytes, 0x82f63b78);
    uint32_t e = ~by_instruction(~0u, data + 1, bytes, 1);
    uint32_t check = ~by_table(~0u, (const uint8_t *)"123456789", 9);
    printf("crc32 %08x %08x %08x, crc32c %08x %08x, check %08x\n", a, b, c, d, e, check);
    return a != b || b != c || d != e || check != 0xcbf43926 || a != 0x5e7ccb70;
}
