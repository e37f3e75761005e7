/* Quicksort by recursion, 64-bit division with all signs, and a table of strings. */

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define COUNT 1000
#define DIVISIONS 300

static uint64_t state = 88172645463325252u;

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void quicksort(int64_t *values, int low, int high)
{
    while (low < high) {
        int64_t pivot = values[(low + high) / 2];
        int i = low, j = high;
        while (i <= j) {
            while (values[i] < pivot)
                i++;
            while (values[j] > pivot)
                j--;
            if (i <= j) {
                int64_t held = values[i];
                values[i++] = values[j];
                values[j--] = held;
            }
        }
        quicksort(values, low, j);
        low = i;
    }
}

static uint64_t sum_of_quotients(const int64_t *values)
{
    uint64_t sum = 0;
    for (int i = 1; i < DIVISIONS; i++) {
        int64_t divisor = values[i - 1] >> (i % 48);
        if (divisor) {
            sum = sum * 31 + (uint64_t)(values[i] / divisor);
            sum = sum * 31 + (uint64_t)(values[i] % divisor);
            sum = sum * 31 + (uint64_t)values[i] / (uint64_t)divisor;
        }
    }
    return sum;
}

static const char *const numbers[] = {"zero", "one", "two",   "three", "four",
                                      "five", "six", "seven", "eight", "nine"};

int main(void)
{
    static int64_t values[COUNT];
    for (int i = 0; i < COUNT; i++)
        values[i] = (int64_t)next_random() >> (i % 40);
    uint64_t quotients = sum_of_quotients(values);
    quicksort(values, 0, COUNT - 1);
    for (int i = 1; i < COUNT; i++)
        assert(values[i - 1] <= values[i]);
    printf("least %ld, middle %ld, greatest %ld\n", values[0], values[COUNT / 2],
           values[COUNT - 1]);
    printf("quotients %016lx:", quotients);
    char digits[24];
    snprintf(digits, sizeof digits, "%lu", quotients);
    for (char *digit = digits; *digit; digit++)
        printf(" %s", numbers[*digit - '0']);
    printf("\n");
    return quotients != 0xadd9942d194a2121u;
}
