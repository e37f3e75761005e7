/* setjmp and longjmp across frames, recursion, function pointers and a jump table. */

#include <setjmp.h>
#include <stdio.h>

static jmp_buf home;
static int depth_reached;

static int ackermann(int m, int n)
{
    return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

static void dive(int depth, int bottom)
{
    volatile char ballast[100];
    ballast[depth % 100] = (char)depth;
    depth_reached = depth;
    if (depth == bottom)
        longjmp(home, 42);
    dive(depth + 1, bottom);
    ballast[0]++;
}

static int add(int a, int b) { return a + b; }
static int subtract(int a, int b) { return a - b; }
static int multiply(int a, int b) { return a * b; }

static int apply(const char *program)
{
    static int (*const operations[])(int, int) = {add, subtract, multiply};
    int stack[8], top = 0;
    for (; *program; program++) {
        switch (*program) {
        case '+': top--; stack[top - 1] = operations[0](stack[top - 1], stack[top]); break;
        case '-': top--; stack[top - 1] = operations[1](stack[top - 1], stack[top]); break;
        case '*': top--; stack[top - 1] = operations[2](stack[top - 1], stack[top]); break;
        case '!': stack[top - 1] = -stack[top - 1]; break;
        case '~': stack[top - 1] = ~stack[top - 1]; break;
        case ':': stack[top] = stack[top - 1]; top++; break;
        default: stack[top++] = *program - '0';
        }
    }
    return stack[0];
}

/* Each round leaves another number of frames behind. */
static int many_dives(int rounds)
{
    volatile int returned = 0;
    for (volatile int i = 0; i < rounds; i++)
        if (!setjmp(home))
            dive(0, i % 30);
        else
            returned += depth_reached + 1;
    return returned;
}

/* Errors within nested calls: the innermost handler takes them, or passes them on. */
static jmp_buf *handler;
static int handled[3];

static int checked_divide(int a, int b)
{
    if (!b)
        longjmp(*handler, 1);
    if (a % b)
        longjmp(*handler, 2);
    return a / b;
}

static int try_divide(int a, int b)
{
    jmp_buf here, *outer = handler;
    volatile int result = 0;
    handler = &here;
    int error = setjmp(here);
    if (!error)
        result = checked_divide(a, b);
    handler = outer;
    handled[error]++;
    if (error == 2)
        longjmp(*handler, 3);
    return result;
}

static int divide_all(int limit)
{
    volatile int sum = 0;
    jmp_buf here;
    for (volatile int a = 0; a < limit; a++)
        for (volatile int b = 0; b < limit; b++) {
            handler = &here;
            if (!setjmp(here))
                sum += try_divide(a, b);
        }
    return sum;
}

int main(void)
{
    volatile int kept = 7;
    int value = setjmp(home);
    if (!value) {
        kept = 8;
        dive(0, 20);
    }
    printf("longjmp gave %d from depth %d, kept %d\n", value, depth_reached, kept);
    int again = setjmp(home);
    if (again == 0)
        longjmp(home, 0);
    printf("longjmp(0) gave %d\n", again);
    int sum = 0, dives = many_dives(300), quotients = divide_all(32);
    for (int i = 0; i < 200; i++)
        sum += apply("34+5*:*6-!9~*");
    printf("%d frames left, quotients %d, handled %d %d %d\n", dives, quotients, handled[0],
           handled[1], handled[2]);
    printf("ackermann %d, stack machine %d\n", ackermann(2, 24), sum);
    if (handled[0] != 144 || handled[1] != 32 || handled[2] != 848)
        return 1;
    return !(value == 42 && again == 1 && kept == 8 && sum == 200 * 12190 && dives == 4650 &&
             quotients == 794);
}
