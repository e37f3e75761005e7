/* A Fourier transform in fixed point: sines by CORDIC, 256 complex points of 16 bits. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define LOG 8
#define POINTS (1 << LOG)
#define ONE 16384

struct complex16 {
    int16_t re, im;
};

static struct complex16 points[POINTS], turn[POINTS / 2];
static int16_t signal[POINTS];

/* The angle is in parts of a turn: 65536 of them. Right up to a quarter turn either way. */
static struct complex16 cordic(int32_t angle)
{
    static const int16_t steps[] = {8192, 4836, 2555, 1297, 651, 326, 163, 81, 41, 20, 10, 5, 3, 1};
    /* The product of all cosines, 0.607253, with 14 more bits than the result. */
    int64_t x = 163008218, y = 0;
    for (int i = 0; i < 14; i++) {
        int64_t dx = y >> i, dy = x >> i;
        if (angle >= 0) {
            x -= dx;
            y += dy;
            angle -= steps[i];
        } else {
            x += dx;
            y -= dy;
            angle += steps[i];
        }
    }
    return (struct complex16){(int16_t)((x + 8192) >> 14), (int16_t)((y + 8192) >> 14)};
}

static void make_turns(void)
{
    for (int i = 0; i < POINTS / 2; i++) {
        int32_t angle = -i * (65536 / POINTS);
        /* Beyond a quarter turn: half a turn more, with the opposite sign. */
        struct complex16 c = cordic(angle < -16384 ? angle + 32768 : angle);
        turn[i] = angle < -16384 ? (struct complex16){(int16_t)-c.re, (int16_t)-c.im} : c;
    }
}

static void reorder(void)
{
    for (int i = 0, j = 0; i < POINTS; i++) {
        if (i < j) {
            struct complex16 held = points[i];
            points[i] = points[j];
            points[j] = held;
        }
        int bit = POINTS / 2;
        for (; j & bit; bit /= 2)
            j ^= bit;
        j |= bit;
    }
}

/* Halved in each of the stages: the result is that of the sum divided by the points. */
static void transform(int inverse)
{
    reorder();
    for (int half = 1, step = POINTS / 2; half < POINTS; half *= 2, step /= 2)
        for (int k = 0; k < half; k++) {
            int32_t wr = turn[k * step].re, wi = turn[k * step].im;
            if (inverse)
                wi = -wi;
            for (int i = k; i < POINTS; i += 2 * half) {
                struct complex16 *a = &points[i], *b = &points[i + half];
                int32_t re = (b->re * wr - b->im * wi + ONE / 2) >> 14;
                int32_t im = (b->re * wi + b->im * wr + ONE / 2) >> 14;
                b->re = (int16_t)((a->re - re) >> 1);
                b->im = (int16_t)((a->im - im) >> 1);
                a->re = (int16_t)((a->re + re) >> 1);
                a->im = (int16_t)((a->im + im) >> 1);
            }
        }
}

static int peaks(void)
{
    int found = 0;
    for (int i = 0; i < POINTS / 2; i++) {
        int32_t power = points[i].re * points[i].re + points[i].im * points[i].im;
        if (power > 100000) {
            printf(" %d", i);
            found = found * 1000 + i;
        }
    }
    printf("\n");
    return found;
}

int main(void)
{
    int wrong = 0, worst = 0;
    make_turns();
    /* cos(60 degrees) is 0.5; squares add up to one. */
    wrong += abs(cordic(65536 / 6 + 1).re - ONE / 2) > 4;
    for (int i = 0; i < POINTS / 2; i++) {
        int32_t square = turn[i].re * turn[i].re + turn[i].im * turn[i].im;
        wrong += abs(square - ONE * ONE) > 8 * ONE;
    }
    for (int round = 0; round < 4; round++) {
        int low = 5 + round, high = 40 + 3 * round;
        for (int i = 0; i < POINTS; i++) {
            struct complex16 a = turn[low * i % (POINTS / 2)], b = turn[high * i % (POINTS / 2)];
            int re = low * i / (POINTS / 2) % 2 ? -a.re : a.re;
            int im = high * i / (POINTS / 2) % 2 ? -b.im : b.im;
            signal[i] = (int16_t)((re + im) / 4);
            points[i] = (struct complex16){signal[i], 0};
        }
        transform(0);
        printf("peaks at");
        wrong += peaks() != low * 1000 + high;
        for (int i = 0; i < POINTS; i++) {
            points[i].re = (int16_t)(points[i].re * 4);
            points[i].im = (int16_t)(points[i].im * 4);
        }
        transform(1);
        for (int i = 0; i < POINTS; i++) {
            /* Divided by the points twice, multiplied by four. */
            int difference = abs(points[i].re * (POINTS / 4) - signal[i]);
            if (difference > worst)
                worst = difference;
        }
    }
    printf("%d wrong, there and back within %s\n", wrong, worst < 200 ? "the scale" : "nothing");
    return wrong != 0 || worst >= 200;
}
