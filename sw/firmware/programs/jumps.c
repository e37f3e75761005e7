/* setjmp and longjmp across frames, recursion, function pointers and a jump table. */

#include <setjmp.h>
#include <stdio.h>

static jmp_buf home;
static int depth_reached;

static int ackermann(int m, int n)
{
    return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

static void dive(int depth)
{
    volatile char ballast[100];
    ballast[depth % 100] = (char)depth;
    depth_reached = depth;
    if (depth == 20)
        longjmp(home, 42);
    dive(depth + 1);
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

int main(void)
{
    volatile int kept = 7;
    int value = setjmp(home);
    if (!value) {
        kept = 8;
        dive(0);
    }
    printf("longjmp gave %d from depth %d, kept %d\n", value, depth_reached, kept);
    int again = setjmp(home);
    if (again == 0)
        longjmp(home, 0);
    printf("longjmp(0) gave %d\n", again);
    int sum = apply("34+5*:*6-!9~*");
    printf("ackermann %d, stack machine %d\n", ackermann(2, 5), sum);
    return value == 42 && again == 1 && kept == 8 && sum == 12190 ? 0 : 1;
}
