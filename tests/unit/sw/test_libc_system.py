"""The C library beyond standard C: headers in each dialect, options, streams, time, random."""

from pathlib import Path

import pytest

from rtl.soc.memory_map import region
from sim.lockstep.program import load_program
from sim.lockstep.reference import run_reference
from sw.compilers import CompileError, find_compiler
from sw.toolchain import LIBRARY, compile_c

RAM = {"ram_base": region("DRAM").base, "ram_bytes": 64 << 20}
HEADERS = sorted(str(path.relative_to(LIBRARY / "include"))
                 for path in (LIBRARY / "include").rglob("*.h"))
OF_THE_COMPILER = ["float.h", "iso646.h", "stdalign.h", "stdarg.h", "stdatomic.h", "stdbool.h",
                   "stddef.h", "stdnoreturn.h"]

OPTIONS = """\
#include <stdio.h>
#include <unistd.h>
static int level;
static const struct option names[] = {
    {"output", required_argument, NULL, 'o'}, {"level", optional_argument, NULL, 'l'},
    {"loud", no_argument, &level, 7}, {"quiet", no_argument, NULL, 'q'}, {NULL, 0, NULL, 0},
};
int main(int argc, char **argv)
{
    int c, index = -1;
    while ((c = getopt_long(argc, argv, "ab:qo:l::", names, &index)) != -1)
        printf("%c%d(%s) ", c ? c : '0', optopt == c, optarg ? optarg : "");
    printf("%d %d:", level, index);
    for (; optind < argc; optind++)
        printf(" %s", argv[optind]);
}
"""

SYSTEM = """\
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fenv.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>
#define CHECK(condition) (void)((condition) || printf("line %d: %s\\n", __LINE__, #condition))
static void last(void)
{
    printf("quick\\n");
}
int main(int argc, char **argv, char **environment)
{
    char *line = NULL, *text;
    size_t room = 0;
    CHECK(argc == 1 && argv[0] && !argv[1] && !environment[0] && !getenv("PATH"));
    CHECK(fopen("/dev/stdin", "r") == stdin && fopen("/dev/stderr", "w") == stderr);
    errno = 0;
    CHECK(!fopen("data.txt", "r") && errno == ENOENT);
    CHECK(getline(&line, &room, stdin) == 6 && !strcmp(line, "short\\n"));
    CHECK(getline(&line, &room, stdin) == 301 && line[299] == 'x' && line[300] == '\\n');
    CHECK(getdelim(&line, &room, ';', stdin) == 2 && !strcmp(line, "a;"));
    int number;
    CHECK(scanf("%d", &number) == 1 && number == 17 && ungetc('q', stdin) == 'q');
    char rest[9] = "";
    CHECK(read(STDIN_FILENO, rest, 8) == 3 && !strcmp(rest, "q b") && feof(stdin));
    CHECK(getline(&line, &room, stdin) == -1 && read(5, rest, 1) == -1 && errno == EBADF);
    CHECK(write(STDOUT_FILENO, "out ", 4) == 4 && write(0, "x", 1) == -1 && !isatty(1));
    struct stat status;
    CHECK(open("data.txt", O_RDONLY) == -1 && errno == ENOENT && open("/dev/stdin", 0) == 0);
    CHECK(lseek(1, 0, SEEK_SET) == -1 && errno == ESPIPE && unlink("x") && access("x", R_OK));
    CHECK(stat("x", &status) && !fstat(1, &status) && S_ISCHR(status.st_mode));
    CHECK(fileno(stdin) == 0 && fileno(stdout) == 1 && fileno(stderr) == 2);
    CHECK(asprintf(&text, "%d-%s-%.2f", 5, "six", 7.0) == 10 && !strcmp(text, "5-six-7.00"));
    CHECK(!reallocarray(text, 1ul << 40, 1ul << 40) && errno == ENOMEM && fseek(stdin, 0, 0));

    time_t moment = 951827696;
    struct tm date, other;
    CHECK(gmtime_r(&moment, &date) == &date && date.tm_mday == 29 && date.tm_year == 100);
    CHECK(localtime_r(&moment, &other)->tm_sec == 56 && timegm(&date) == moment);
    struct timespec step;
    struct tms used;
    struct rusage usage;
    CHECK(clock_getres(CLOCK_MONOTONIC, &step) == 0 && step.tv_nsec == 10);
    CHECK(times(&used) >= 0 && getrusage(RUSAGE_SELF, &usage) == 0 && getrusage(9, &usage));

    CHECK(mblen("ab", 2) == 1 && MB_CUR_MAX == 1);
    wchar_t wide[8];
    char narrow[8];
    CHECK(mbstowcs(wide, "h\\xe9!", 8) == 3 && wide[1] == 0xe9 && wide[3] == 0);
    CHECK(wcstombs(narrow, wide, 8) == 3 && !strcmp(narrow, "h\\xe9!"));
    CHECK(mbtowc(wide, "z", 1) == 1 && *wide == 'z' && wctomb(narrow, 300) == -1);

    srand48(1);
    CHECK(lrand48() == 89400484 && lrand48() == 976015093);
    double uniform = drand48();
    CHECK(uniform > 0.83481721816691 && uniform < 0.83481721816692);
    unsigned seed = 5, again = 5;
    CHECK(rand_r(&seed) == rand_r(&again) && seed == again && random() >= 0);
    CHECK(ffs(0) == 0 && ffs(8) == 4 && isascii('x') && !isascii(128) && PATH_MAX > 0);
    bzero(narrow, 8);
    bcopy("ab", narrow, 2);
    CHECK(!bcmp(narrow, "ab\\0", 3) && index(narrow, 'b') == rindex(narrow, 'b'));
    CHECK(fegetround() == FE_TONEAREST && !feclearexcept(FE_ALL_EXCEPT));
    CHECK(signal(SIGUSR1, SIG_IGN) == SIG_DFL && raise(SIGUSR1) == 0 && system(NULL) == 0);
    usleep(0);
    at_quick_exit(last);
    quick_exit(4);
}
"""


def run(tmp_path, text, arguments=(), stdin=b"", **options):
    source = tmp_path / "prog.c"
    source.write_text(text)
    elf = compile_c([source], flags=["-Wall", "-Wno-nonnull"], **options)
    return run_reference(load_program(elf, **RAM), arguments=arguments, stdin=stdin)


@pytest.mark.parametrize("compiler", ["clang", "gcc"])
@pytest.mark.parametrize("dialect", ["c89", "gnu89", "c99", "gnu17"])
def test_headers_stand_alone(tmp_path, compiler, dialect):
    try:
        chosen = find_compiler(compiler)
    except CompileError as error:
        pytest.skip(str(error))
    names = HEADERS + [name for name in OF_THE_COMPILER
                       if dialect == "gnu17" or name not in ("stdatomic.h", "stdnoreturn.h")]
    # By itself each header only has to stand in the strictest dialect.
    for name in names if dialect == "c89" else ():
        source = tmp_path / f"{Path(name).stem}.c"
        source.write_text(f"#include <{name}>\n" * 2 + "extern int none;\n")
        assert chosen.compile(source, tmp_path / "item.o",
                              ["-fhosted", f"-std={dialect}", "-Wall", "-Werror", "-isystem",
                               LIBRARY / "include"]) == "", name
    source = tmp_path / "all.c"
    source.write_text("".join(f"#include <{name}>\n" for name in names) + "extern int none;\n")
    assert chosen.compile(source, tmp_path / "item.o",
                          ["-fhosted", f"-std={dialect}", "-Wall", "-Werror", "-isystem",
                           LIBRARY / "include"]) == ""


@pytest.mark.parametrize("arguments, output", [
    (["-a", "-b", "x", "-bx", "-qa", "rest", "-a"], "a1() b1(x) b1(x) q1() a1() 0 -1: rest -a"),
    (["-q", "-o", "x", "-ox", "-l", "-l3", "--", "-q"],
     "q1() o1(x) o1(x) l1() l1(3) 0 -1: -q"),
    (["--output=a b", "--output", "c", "--lev=2", "--level", "--loud", "one"],
     "o0(a b) o0(c) l0(2) l0() 01() 7 2: one"),
    (["-"], "0 -1: -"),
])
def test_options(tmp_path, arguments, output):
    result = run(tmp_path, OPTIONS, arguments)
    assert result.output.decode() == output


def test_wrong_options(tmp_path):
    result = run(tmp_path, OPTIONS, ["-z", "--nothing", "--l", "--loud=1", "--output"])
    assert result.output.decode().replace("prog.c", "").splitlines()[-1].endswith("0 -1:")
    for text in ("unknown option: z", "unknown option: nothing", "ambiguous option: l",
                 "option takes no argument: loud", "option needs an argument: output"):
        assert text in result.output.decode()


def test_system(tmp_path):
    result = run(tmp_path, SYSTEM, stdin=b"short\n" + b"x" * 300 + b"\na;17 b")
    assert (result.output.decode(), result.exit) == ("out quick\n", 4)
