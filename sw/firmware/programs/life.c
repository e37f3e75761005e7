/* Conway's game of life on a torus, cell by cell and 32 cells at a time. */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define SIZE 32
#define GENERATIONS 8

static uint8_t cells[SIZE][SIZE], following[SIZE][SIZE];
static uint32_t rows[SIZE];

static void step_cells(void)
{
    for (int y = 0; y < SIZE; y++) {
        const uint8_t *above = cells[(y + SIZE - 1) % SIZE], *same = cells[y];
        const uint8_t *below = cells[(y + 1) % SIZE];
        for (int x = 0; x < SIZE; x++) {
            int left = (x + SIZE - 1) % SIZE, right = (x + 1) % SIZE;
            int around = above[left] + above[x] + above[right] + same[left] + same[right] +
                         below[left] + below[x] + below[right];
            following[y][x] = around == 3 || (around == 2 && same[x]);
        }
    }
    memcpy(cells, following, sizeof cells);
}

static uint32_t rotate(uint32_t x, int by)
{
    return x << by | x >> (32 - by);
}

/* Adders of bits count the neighbours of all cells of a row at once. */
static void step_rows(void)
{
    uint32_t next[SIZE];
    for (int y = 0; y < SIZE; y++) {
        uint32_t around[8], ones = 0, twos = 0, more = 0;
        for (int i = 0; i < 3; i++) {
            uint32_t row = rows[(y + SIZE - 1 + i) % SIZE];
            around[2 * i] = rotate(row, 1);
            around[2 * i + 1] = rotate(row, 31);
        }
        around[6] = rows[(y + SIZE - 1) % SIZE];
        around[7] = rows[(y + 1) % SIZE];
        for (int i = 0; i < 8; i++) {
            uint32_t carry = ones & around[i];
            ones ^= around[i];
            more |= twos & carry;
            twos ^= carry;
        }
        next[y] = twos & ~more & (ones | rows[y]);
    }
    memcpy(rows, next, sizeof rows);
}

static int compare(void)
{
    int population = 0;
    for (int y = 0; y < SIZE; y++)
        for (int x = 0; x < SIZE; x++) {
            population += cells[y][x];
            if (cells[y][x] != (rows[y] >> x & 1))
                return -1;
        }
    return population;
}

static void place(int y, int x, const char *pattern)
{
    for (int column = x; *pattern; pattern++)
        if (*pattern == '/') {
            y++;
            column = x;
        } else {
            cells[y][column] = *pattern == '#';
            rows[y] |= (uint32_t)(*pattern == '#') << column++;
        }
}

int main(void)
{
    int wrong = 0;
    /* A glider, an R pentomino, and a blinker between them. */
    place(24, 3, ".#./..#/###");
    place(12, 16, ".##/##./.#.");
    place(2, 2, "###");
    printf("population");
    for (int i = 0; i < GENERATIONS; i++) {
        step_cells();
        step_rows();
        int population = compare();
        wrong += population < 0;
        printf(" %d", population);
    }
    /* A glider has moved by one cell each way after four generations. */
    for (int y = 0; y < 3; y++)
        for (int x = 0; x < 3; x++)
            wrong += cells[24 + GENERATIONS / 4 + y][3 + GENERATIONS / 4 + x] !=
                     (".#...####"[3 * y + x] == '#');
    /* On its own: it moves by a quarter of the torus. */
    uint32_t before[SIZE];
    memset(rows, 0, sizeof rows);
    place(10, 10, ".#./..#/###");
    memcpy(before, rows, sizeof rows);
    for (int i = 0; i < SIZE; i++)
        step_rows();
    for (int y = 0; y < SIZE; y++)
        wrong += rows[(y + SIZE / 4) % SIZE] != rotate(before[y], SIZE / 4);
    printf("\n%d wrong\n", wrong);
    return wrong != 0;
}
