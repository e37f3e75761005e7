#ifndef TILICHO_UNISTD_H
#define TILICHO_UNISTD_H

#include <getopt.h>
#include <stddef.h>
#include <sys/types.h>

#define STDIN_FILENO 0
#define STDOUT_FILENO 1
#define STDERR_FILENO 2
#define F_OK 0
#define X_OK 1
#define W_OK 2
#define R_OK 4
#define SEEK_SET 0
#define SEEK_CUR 1
#define SEEK_END 2

extern char **environ;

__attribute__((noreturn)) void _exit(int status);
/* Of the standard streams only. */
ssize_t read(int file, void *data, size_t bytes);
ssize_t write(int file, const void *data, size_t bytes);
int close(int file);
off_t lseek(int file, off_t offset, int origin);
/* There are no files. */
int unlink(const char *name);
int access(const char *name, int mode);
/* The UART is not a terminal: nobody types. */
int isatty(int file);
pid_t getpid(void);
/* Wait, in the seconds of CLOCKS_PER_SEC. */
unsigned sleep(unsigned seconds);
int usleep(unsigned microseconds);

#endif
