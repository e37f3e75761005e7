#ifndef TILICHO_GETOPT_H
#define TILICHO_GETOPT_H

#define no_argument 0
#define required_argument 1
#define optional_argument 2

struct option {
    const char *name;
    int has_arg;
    int *flag;
    int val;
};

extern char *optarg;
extern int optind, opterr, optopt;

/* Options end at the first word that is none. */
int getopt(int argc, char *const argv[], const char *letters);
int getopt_long(int argc, char *const argv[], const char *letters, const struct option *names,
                int *index);

#endif
