#ifndef TILICHO_SYS_STAT_H
#define TILICHO_SYS_STAT_H

#include <sys/types.h>

#define S_IFMT 0170000
#define S_IFCHR 0020000
#define S_IFDIR 0040000
#define S_IFREG 0100000
#define S_ISCHR(mode) (((mode) & S_IFMT) == S_IFCHR)
#define S_ISDIR(mode) (((mode) & S_IFMT) == S_IFDIR)
#define S_ISREG(mode) (((mode) & S_IFMT) == S_IFREG)

struct stat {
    mode_t st_mode;
    off_t st_size;
};

/* There are no files; the standard streams are character devices. */
int stat(const char *name, struct stat *result);
int fstat(int file, struct stat *result);

#endif
