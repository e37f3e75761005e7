/* Recursion: Ackermann's and Takeuchi's functions, the towers of Hanoi, queens, permutations. */

#include <stdio.h>

#define DISCS 10
#define QUEENS 6

static int ackermann(int m, int n)
{
    if (m == 0)
        return n + 1;
    return ackermann(m - 1, n == 0 ? 1 : ackermann(m, n - 1));
}

static int takeuchi(int x, int y, int z)
{
    if (y >= x)
        return z;
    return takeuchi(takeuchi(x - 1, y, z), takeuchi(y - 1, z, x), takeuchi(z - 1, x, y));
}

static int fibonacci(int n)
{
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static int pegs[3][DISCS], height[3], moves, wrong_moves;

static void hanoi(int discs, int from, int to)
{
    if (!discs)
        return;
    int other = 3 - from - to;
    hanoi(discs - 1, from, other);
    int disc = pegs[from][--height[from]];
    wrong_moves += height[to] && pegs[to][height[to] - 1] < disc;
    pegs[to][height[to]++] = disc;
    moves++;
    hanoi(discs - 1, other, to);
}

static int columns[QUEENS];

static int queens(int row)
{
    int solutions = 0;
    if (row == QUEENS)
        return 1;
    for (int column = 0; column < QUEENS; column++) {
        int other;
        for (other = 0; other < row; other++) {
            int distance = columns[other] - column;
            if (distance == 0 || distance == row - other || distance == other - row)
                break;
        }
        if (other == row) {
            columns[row] = column;
            solutions += queens(row + 1);
        }
    }
    return solutions;
}

static int queens_by_bits(unsigned all, unsigned used, unsigned left, unsigned right)
{
    int solutions = 0;
    if (used == all)
        return 1;
    for (unsigned free = all & ~(used | left | right); free; free &= free - 1) {
        unsigned bit = free & -free;
        solutions += queens_by_bits(all, used | bit, (left | bit) << 1, (right | bit) >> 1);
    }
    return solutions;
}

/* Count the permutations without a fixed point. */
static int derangements(int *order, int size, int at)
{
    int count = 0;
    if (at == size) {
        for (int i = 0; i < size; i++)
            if (order[i] == i)
                return 0;
        return 1;
    }
    for (int i = at; i < size; i++) {
        int held = order[at];
        order[at] = order[i];
        order[i] = held;
        count += derangements(order, size, at + 1);
        order[i] = order[at];
        order[at] = held;
    }
    return count;
}

int main(void)
{
    int order[6] = {0, 1, 2, 3, 4, 5};
    for (int i = 0; i < DISCS; i++)
        pegs[0][height[0]++] = DISCS - i;
    hanoi(DISCS, 0, 2);
    int a = ackermann(2, 6), b = ackermann(3, 3), t = takeuchi(9, 5, 1), f = fibonacci(16);
    int q = queens(0), r = queens_by_bits(0x7f, 0, 0, 0), d = derangements(order, 6, 0);
    printf("ackermann %d %d, takeuchi %d, fibonacci %d\n", a, b, t, f);
    printf("hanoi %d moves, %d wrong, %d discs\n", moves, wrong_moves, height[2]);
    printf("queens %d %d, derangements %d\n", q, r, d);
    return !(a == 15 && b == 61 && t == 2 && f == 987 && moves == 1023 && !wrong_moves &&
             height[2] == DISCS && q == 4 && r == 40 && d == 265);
}
