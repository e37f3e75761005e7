#ifndef TILICHO_INTTYPES_H
#define TILICHO_INTTYPES_H

#include <stdint.h>

typedef struct {
    intmax_t quot, rem;
} imaxdiv_t;

intmax_t imaxabs(intmax_t value);
imaxdiv_t imaxdiv(intmax_t numerator, intmax_t denominator);
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
#define PRIiMAX "li"
#define PRIoMAX "lo"
#define PRIxMAX "lx"
#define PRIuMAX "lu"
#define PRIXMAX "lX"
#define PRIdPTR "ld"
#define PRIiPTR "li"
#define PRIoPTR "lo"
#define PRIxPTR "lx"
#define PRIuPTR "lu"
#define PRIXPTR "lX"
#define PRIdLEAST8 PRId8
#define PRIiLEAST8 PRIi8
#define PRIoLEAST8 PRIo8
#define PRIxLEAST8 PRIx8
#define PRIuLEAST8 PRIu8
#define PRIXLEAST8 PRIX8
#define PRIdLEAST16 PRId16
#define PRIiLEAST16 PRIi16
#define PRIoLEAST16 PRIo16
#define PRIxLEAST16 PRIx16
#define PRIuLEAST16 PRIu16
#define PRIXLEAST16 PRIX16
#define PRIdLEAST32 PRId32
#define PRIiLEAST32 PRIi32
#define PRIoLEAST32 PRIo32
#define PRIxLEAST32 PRIx32
#define PRIuLEAST32 PRIu32
#define PRIXLEAST32 PRIX32
#define PRIdLEAST64 PRId64
#define PRIiLEAST64 PRIi64
#define PRIoLEAST64 PRIo64
#define PRIxLEAST64 PRIx64
#define PRIuLEAST64 PRIu64
#define PRIXLEAST64 PRIX64
#define PRIdFAST8 PRId8
#define PRIiFAST8 PRIi8
#define PRIoFAST8 PRIo8
#define PRIxFAST8 PRIx8
#define PRIuFAST8 PRIu8
#define PRIXFAST8 PRIX8
#define PRIdFAST64 PRId64
#define PRIiFAST64 PRIi64
#define PRIoFAST64 PRIo64
#define PRIxFAST64 PRIx64
#define PRIuFAST64 PRIu64
#define PRIXFAST64 PRIX64
#define SCNd8 "hhd"
#define SCNi8 "hhi"
#define SCNo8 "hho"
#define SCNx8 "hhx"
#define SCNu8 "hhu"
#define SCNd16 "hd"
#define SCNi16 "hi"
#define SCNo16 "ho"
#define SCNx16 "hx"
#define SCNu16 "hu"
#define SCNd32 "d"
#define SCNi32 "i"
#define SCNo32 "o"
#define SCNx32 "x"
#define SCNu32 "u"
#define SCNd64 "ld"
#define SCNi64 "li"
#define SCNo64 "lo"
#define SCNx64 "lx"
#define SCNu64 "lu"
#define SCNdMAX "ld"
#define SCNiMAX "li"
#define SCNoMAX "lo"
#define SCNxMAX "lx"
#define SCNuMAX "lu"
#define SCNdPTR "ld"
#define SCNiPTR "li"
#define SCNoPTR "lo"
#define SCNxPTR "lx"
#define SCNuPTR "lu"
#define SCNdLEAST8 SCNd8
#define SCNiLEAST8 SCNi8
#define SCNoLEAST8 SCNo8
#define SCNxLEAST8 SCNx8
#define SCNuLEAST8 SCNu8
#define SCNdLEAST16 SCNd16
#define SCNiLEAST16 SCNi16
#define SCNoLEAST16 SCNo16
#define SCNxLEAST16 SCNx16
#define SCNuLEAST16 SCNu16
#define SCNdLEAST32 SCNd32
#define SCNiLEAST32 SCNi32
#define SCNoLEAST32 SCNo32
#define SCNxLEAST32 SCNx32
#define SCNuLEAST32 SCNu32
#define SCNdLEAST64 SCNd64
#define SCNiLEAST64 SCNi64
#define SCNoLEAST64 SCNo64
#define SCNxLEAST64 SCNx64
#define SCNuLEAST64 SCNu64
#define SCNdFAST8 SCNd8
#define SCNiFAST8 SCNi8
#define SCNoFAST8 SCNo8
#define SCNxFAST8 SCNx8
#define SCNuFAST8 SCNu8
#define SCNdFAST64 SCNd64
#define SCNiFAST64 SCNi64
#define SCNoFAST64 SCNo64
#define SCNxFAST64 SCNx64
#define SCNuFAST64 SCNu64

#if __INT_FAST16_WIDTH__ == 64
#define PRIdFAST16 PRId64
#define PRIiFAST16 PRIi64
#define PRIoFAST16 PRIo64
#define PRIxFAST16 PRIx64
#define PRIuFAST16 PRIu64
#define PRIXFAST16 PRIX64
#define SCNdFAST16 SCNd64
#define SCNiFAST16 SCNi64
#define SCNoFAST16 SCNo64
#define SCNxFAST16 SCNx64
#define SCNuFAST16 SCNu64
#else
#define PRIdFAST16 PRId16
#define PRIiFAST16 PRIi16
#define PRIoFAST16 PRIo16
#define PRIxFAST16 PRIx16
#define PRIuFAST16 PRIu16
#define PRIXFAST16 PRIX16
#define SCNdFAST16 SCNd16
#define SCNiFAST16 SCNi16
#define SCNoFAST16 SCNo16
#define SCNxFAST16 SCNx16
#define SCNuFAST16 SCNu16
#endif

#if __INT_FAST32_WIDTH__ == 64
#define PRIdFAST32 PRId64
#define PRIiFAST32 PRIi64
#define PRIoFAST32 PRIo64
#define PRIxFAST32 PRIx64
#define PRIuFAST32 PRIu64
#define PRIXFAST32 PRIX64
#define SCNdFAST32 SCNd64
#define SCNiFAST32 SCNi64
#define SCNoFAST32 SCNo64
#define SCNxFAST32 SCNx64
#define SCNuFAST32 SCNu64
#else
#define PRIdFAST32 PRId32
#define PRIiFAST32 PRIi32
#define PRIoFAST32 PRIo32
#define PRIxFAST32 PRIx32
#define PRIuFAST32 PRIu32
#define PRIXFAST32 PRIX32
#define SCNdFAST32 SCNd32
#define SCNiFAST32 SCNi32
#define SCNoFAST32 SCNo32
#define SCNxFAST32 SCNx32
#define SCNuFAST32 SCNu32
#endif

#endif
