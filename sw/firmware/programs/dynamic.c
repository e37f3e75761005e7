/* Dynamic programming: knapsacks, edit distance, longest common subsequence, chains of matrices. */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define ITEMS 24
#define CAPACITY 300
#define LENGTH 64

static int weights[ITEMS], values[ITEMS];

static int larger(int a, int b)
{
    return a > b ? a : b;
}

static int smaller(int a, int b)
{
    return a < b ? a : b;
}

static int knapsack(int items, int capacity)
{
    static int best[CAPACITY + 1];
    memset(best, 0, sizeof best);
    for (int i = 0; i < items; i++)
        for (int room = capacity; room >= weights[i]; room--)
            best[room] = larger(best[room], best[room - weights[i]] + values[i]);
    return best[capacity];
}

/* By all subsets, in the order of a Gray code. */
static int knapsack_by_force(int items, int capacity)
{
    int weight = 0, value = 0, best = 0;
    for (unsigned i = 1, set = 0; i < 1u << items; i++) {
        int item = __builtin_ctz(i);
        set ^= 1u << item;
        int sign = set >> item & 1 ? 1 : -1;
        weight += sign * weights[item];
        value += sign * values[item];
        if (weight <= capacity && value > best)
            best = value;
    }
    return best;
}

static int edit_distance(const char *a, const char *b)
{
    int row[LENGTH + 1];
    int columns = (int)strlen(b);
    for (int j = 0; j <= columns; j++)
        row[j] = j;
    for (int i = 0; a[i]; i++) {
        int corner = row[0];
        row[0] = i + 1;
        for (int j = 0; j < columns; j++) {
            int change = corner + (a[i] != b[j]);
            corner = row[j + 1];
            row[j + 1] = smaller(change, smaller(row[j], corner) + 1);
        }
    }
    return row[columns];
}

static int common_length(const char *a, const char *b, char *common)
{
    static uint8_t length[LENGTH + 1][LENGTH + 1];
    int m = (int)strlen(a), n = (int)strlen(b), at;
    for (int i = m - 1; i >= 0; i--)
        for (int j = n - 1; j >= 0; j--)
            length[i][j] = (uint8_t)(a[i] == b[j] ? length[i + 1][j + 1] + 1
                                                  : larger(length[i + 1][j], length[i][j + 1]));
    at = 0;
    for (int i = 0, j = 0; i < m && j < n;)
        if (a[i] == b[j]) {
            common[at++] = a[i];
            i++;
            j++;
        } else if (length[i + 1][j] >= length[i][j + 1]) {
            i++;
        } else {
            j++;
        }
    common[at] = 0;
    return length[0][0];
}

static int chain_of_matrices(const int *sizes, int count)
{
    static int cost[16][16];
    for (int span = 1; span < count; span++)
        for (int i = 0; i + span < count; i++) {
            cost[i][i + span] = 1 << 30;
            for (int k = i; k < i + span; k++)
                cost[i][i + span] = smaller(cost[i][i + span],
                                            cost[i][k] + cost[k + 1][i + span] +
                                                sizes[i] * sizes[k + 1] * sizes[i + span + 1]);
        }
    return cost[0][count - 1];
}

int main(void)
{
    static const int sizes[] = {30, 35, 15, 5, 10, 20, 25};
    static const char first[] = "ACCGGTCGAGTGCGCGGAAGCCGGCCGAA";
    static const char second[] = "GTCGTTCGGAATGCCGTTGCTCTGTAAA";
    char common[LENGTH + 1];
    uint32_t state = 99;
    for (int i = 0; i < ITEMS; i++) {
        state = state * 1664525 + 1013904223;
        weights[i] = 5 + (int)(state >> 24) % 40;
        values[i] = 10 + (int)(state >> 12) % 90;
    }
    int most = knapsack(ITEMS, CAPACITY);
    int few = knapsack(12, 120), forced = knapsack_by_force(12, 120);
    printf("knapsack %d, smaller one %d %d\n", most, few, forced);
    int distance = edit_distance("kitten", "sitting"), far = edit_distance(first, second);
    int length = common_length(first, second, common);
    printf("distances %d %d, common %d: %s\n", distance, far, length, common);
    int chain = chain_of_matrices(sizes, 6);
    printf("chain %d\n", chain);
    return !(few == forced && distance == 3 && length == 20 && length == (int)strlen(common) &&
             chain == 15125);
}
