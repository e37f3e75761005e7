/* Matrix product in integers and in (soft) double, and a Gaussian elimination. */

#include <math.h>
#include <stdint.h>
#include <stdio.h>

#define N 28

static int32_t a[N][N], b[N][N];
static int64_t c[N][N];

static void integer_product(void)
{
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            a[i][j] = (i * 31 + j * 17) % 101 - 50;
            b[i][j] = (i * 13 ^ j * 7) - 40;
        }
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            for (int k = 0; k < N; k++)
                c[i][j] += (int64_t)a[i][k] * b[k][j];
    int64_t trace = 0, mix = 0;
    for (int i = 0; i < N; i++) {
        trace += c[i][i];
        for (int j = 0; j < N; j++)
            mix = mix * 7 + c[i][j];
    }
    printf("trace %ld, mix %ld\n", trace, mix);
}

/* Solve the Hilbert system whose solution is all ones; return the largest error. */
static double hilbert(int size)
{
    double h[6][7];
    for (int i = 0; i < size; i++) {
        h[i][size] = 0;
        for (int j = 0; j < size; j++) {
            h[i][j] = 1.0 / (i + j + 1);
            h[i][size] += h[i][j];
        }
    }
    for (int i = 0; i < size; i++)
        for (int row = 0; row < size; row++) {
            if (row == i)
                continue;
            double factor = h[row][i] / h[i][i];
            for (int j = i; j <= size; j++)
                h[row][j] -= factor * h[i][j];
        }
    double worst = 0;
    for (int i = 0; i < size; i++)
        worst = fmax(worst, fabs(h[i][size] / h[i][i] - 1));
    return worst;
}

int main(void)
{
    integer_product();
    double error = hilbert(5);
    printf("hilbert error below 1e-10: %s\n", error < 1e-10 ? "yes" : "no");
    printf("sqrt(2) %.15f, e %.12f, sin(1) %.12f, 2^0.5 %.12f\n", sqrt(2), exp(1), sin(1),
           pow(2, 0.5));
    printf("ldexp %g, frexp %g\n", ldexp(0.75, -1073), frexp(-48, &(int){0}));
    return error < 1e-10 ? 0 : 1;
}
