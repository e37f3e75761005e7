/* Options of the command line. */

#include <getopt.h>
#include <stdio.h>
#include <string.h>

char *optarg;
int optind = 1, opterr = 1, optopt;

/* Where in a word of several letters the next one stands. */
static const char *rest;

static int complain(const char *program, const char *letters, const char *what, const char *option,
                    int length)
{
    if (opterr && *letters != ':')
        fprintf(stderr, "%s: %s: %.*s\n", program, what, length, option);
    return *letters == ':' && !strncmp(what, "option needs", 12) ? ':' : '?';
}

int getopt(int argc, char *const argv[], const char *letters)
{
    if (optind == 0) {
        optind = 1;
        rest = NULL;
    }
    if (!rest || !*rest) {
        const char *word = optind < argc ? argv[optind] : NULL;
        if (!word || word[0] != '-' || !word[1])
            return -1;
        optind++;
        if (!strcmp(word, "--"))
            return -1;
        rest = word + 1;
    }
    int letter = optopt = (unsigned char)*rest++;
    const char *known = letter == ':' ? NULL : strchr(letters, letter);
    if (!known)
        return complain(argv[0], letters, "unknown option", rest - 1, 1);
    optarg = NULL;
    if (known[1] != ':')
        return letter;
    if (*rest)
        optarg = (char *)rest;
    else if (known[2] != ':') {
        if (optind >= argc)
            return complain(argv[0], letters, "option needs an argument", rest - 1, 1);
        optarg = argv[optind++];
    }
    rest = NULL;
    return letter;
}

int getopt_long(int argc, char *const argv[], const char *letters, const struct option *names,
                int *index)
{
    const char *word = optind < argc ? argv[optind ? optind : 1] : NULL;
    if ((rest && *rest) || !word || strncmp(word, "--", 2) || !word[2])
        return getopt(argc, argv, letters);
    const char *name = word + 2, *value = strchrnul(name, '=');
    size_t length = (size_t)(value - name);
    const struct option *found = NULL;
    int matches = 0;
    for (const struct option *each = names; each->name; each++) {
        if (strncmp(each->name, name, length))
            continue;
        found = each;
        if (each->name[length] == 0) {
            matches = 1;
            break;
        }
        matches++;
    }
    optind += 1 + !optind;
    optopt = 0;
    if (matches != 1)
        return complain(argv[0], letters, matches ? "ambiguous option" : "unknown option", name,
                        (int)length);
    optarg = *value ? (char *)value + 1 : NULL;
    if (optarg && found->has_arg == no_argument)
        return complain(argv[0], letters, "option takes no argument", name, (int)length);
    if (!optarg && found->has_arg == required_argument) {
        if (optind >= argc)
            return complain(argv[0], letters, "option needs an argument", name, (int)length);
        optarg = argv[optind++];
    }
    if (index)
        *index = (int)(found - names);
    if (!found->flag)
        return found->val;
    *found->flag = found->val;
    return 0;
}
