// Names of the instructions in a range of words, as the capstone library gives them.
#include <capstone/capstone.h>
#include <stdint.h>
#include <string.h>

enum { NAMES = 4096, BYTES = 32 };

typedef bool disassemble(csh, const uint8_t **, size_t *, uint64_t *, cs_insn *);

// Number of a name in the table, which grows; 0 is for none.
static uint16_t number(char (*names)[BYTES], const char *name) {
    uint32_t place = 0;
    for (const char *c = name; *c; c++) place = place * 31 + (uint8_t)*c;
    for (place = place % (NAMES - 1) + 1; names[place][0]; place = place % (NAMES - 1) + 1)
        if (!strncmp(names[place], name, BYTES - 1)) return place;
    strncpy(names[place], name, BYTES - 1);
    return place;
}

// Classify `count` words: `fixed`, with the bits of `mask` counting up from those of `first`.
// Operations of the system space are named with their first operand, where it has a name.
void classify(disassemble *next, csh handle, cs_insn *insn, uint32_t fixed, uint32_t mask,
              uint32_t first, uint64_t count, uint16_t *out, char (*names)[BYTES]) {
    uint32_t varying = first & mask;
    for (uint64_t i = 0; i < count; i++, varying = ((varying | ~mask) + 1) & mask) {
        uint32_t word = fixed | varying;
        const uint8_t *code = (const uint8_t *)&word;
        size_t size = 4;
        uint64_t address = 0;
        out[i] = 0;
        if (!next(handle, &code, &size, &address, insn)) continue;
        char name[sizeof insn->mnemonic + sizeof insn->op_str];
        strcpy(name, insn->mnemonic);
        int nameless = insn->op_str[0] == 's' && insn->op_str[2] == '_';
        if (word >> 20 == 0xD50 && !nameless && name[0] != 's') {
            strcat(name, " ");
            strncat(name, insn->op_str, strcspn(insn->op_str, ",# "));
        }
        out[i] = number(names, name);
    }
}
