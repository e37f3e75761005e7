#ifndef TILICHO_ERRNO_H
#define TILICHO_ERRNO_H

extern int errno;

#define ENOENT 2
#define EIO 5
#define EBADF 9
#define ESPIPE 29
#define EDOM 33
#define ERANGE 34
#define EINVAL 22
#define ENOMEM 12
#define EILSEQ 84

#endif
