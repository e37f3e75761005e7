#ifndef TILICHO_INTTYPES_H
#define TILICHO_INTTYPES_H

#include <stdint.h>

typedef struct {
    intmax_t quot, rem;
} imaxdiv_t;

intmax_t strtoimax(const char *text, char **end, int base);
uintmax_t strtoumax(const char *text, char **end, int base);

#define PRId8 "hhd"
#define PRIi8 "hhi"
#define PRIo8 "hho"
#define PRIx8 "hhx"
#define PRIu8 "hhu"
#define PRIX8 "hhX"
#define PRId16 "hd"
#define PRIi16 "hi"
#define PRIo16 "ho"
#define PRIx16 "hx"
#define PRIu16 "hu"
#define PRIX16 "hX"
#define PRId32 "d"
#define PRIi32 "i"
#define PRIo32 "o"
#define PRIx32 "x"
#define PRIu32 "u"
#define PRIX32 "X"
#define PRId64 "ld"
#define PRIi64 "li"
#define PRIo64 "lo"
#define PRIx64 "lx"
#define PRIu64 "lu"
#define PRIX64 "lX"
#define PRIdMAX "ld"
#define PRIdPTR "ld"
#define PRIiMAX "li"
#define PRIiPTR "li"
#define PRIoMAX "lo"
#define PRIoPTR "lo"
#define PRIxMAX "lx"
#define PRIxPTR "lx"
#define PRIuMAX "lu"
#define PRIuPTR "lu"
#define PRIXMAX "lX"
#define PRIXPTR "lX"

#endif
