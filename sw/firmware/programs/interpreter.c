/* A small language: a compiler by recursive descent to byte code, and the machine that runs it. */

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum code { PUSH, LOAD, STORE, FETCH, ADD, SUB, MUL, DIV, MOD, LESS, EQUAL, JUMP, UNLESS, PRINT,
            PUT, STOP };

static uint8_t program[512];
static int size;
static const char *at;
static int32_t variables[26], array[512], stack[32];
static char output[256];

static int peek(const char *token)
{
    at += strspn(at, " \n");
    return !strncmp(at, token, strlen(token));
}

static int accept(const char *token)
{
    if (!peek(token))
        return 0;
    at += strlen(token);
    return 1;
}

static void expect(const char *token)
{
    if (!accept(token)) {
        printf("%s expected at %.10s\n", token, at);
        exit(2);
    }
}

static void emit(int code)
{
    program[size++] = (uint8_t)code;
}

static void emit_number(int code, int number)
{
    emit(code);
    emit(number & 0xff);
    emit(number >> 8);
}

static void expression(void);

static void primary(void)
{
    if (accept("(")) {
        expression();
        expect(")");
    } else if (accept("@")) {
        primary();
        emit(FETCH);
    } else if (peek("") && isdigit((unsigned char)*at)) {
        char *end;
        emit_number(PUSH, (int)strtol(at, &end, 10));
        at = end;
    } else {
        emit_number(LOAD, *at++ - 'a');
    }
}

static void product(void)
{
    primary();
    for (;;) {
        int code = accept("*") ? MUL : accept("/") ? DIV : accept("%") ? MOD : STOP;
        if (code == STOP)
            return;
        primary();
        emit(code);
    }
}

static void sum(void)
{
    product();
    for (;;) {
        int code = accept("+") ? ADD : accept("-") ? SUB : STOP;
        if (code == STOP)
            return;
        product();
        emit(code);
    }
}

static void expression(void)
{
    sum();
    int code = accept("<") ? LESS : accept("==") ? EQUAL : STOP;
    if (code != STOP) {
        sum();
        emit(code);
    }
}

static void patch(int place)
{
    program[place + 1] = (uint8_t)size;
    program[place + 2] = (uint8_t)(size >> 8);
}

static void statement(void)
{
    if (accept("{")) {
        while (!accept("}"))
            statement();
    } else if (accept("while") || peek("if")) {
        int loop = !accept("if"), start = size;
        expression();
        int leave = size;
        emit_number(UNLESS, 0);
        statement();
        if (loop)
            emit_number(JUMP, start);
        patch(leave);
    } else if (accept("print")) {
        expression();
        emit(PRINT);
        expect(";");
    } else if (accept("@")) {
        primary();
        expect("=");
        expression();
        emit(PUT);
        expect(";");
    } else {
        peek("");
        int name = *at++ - 'a';
        expect("=");
        expression();
        emit_number(STORE, name);
        expect(";");
    }
}

static void compile(const char *text)
{
    size = 0;
    at = text;
    while (peek(""), *at)
        statement();
    emit(STOP);
}

static int run(void)
{
    const uint8_t *pc = program;
    int32_t *top = stack;
    char *out = output;
    int steps = 0;
    for (;; steps++) {
        int code = *pc++, number = 0;
        if (code <= STORE || code == JUMP || code == UNLESS) {
            number = pc[0] | pc[1] << 8;
            pc += 2;
        }
        switch (code) {
        case PUSH: *top++ = number; break;
        case LOAD: *top++ = variables[number]; break;
        case STORE: variables[number] = *--top; break;
        case FETCH: top[-1] = array[top[-1]]; break;
        case ADD: top--; top[-1] += *top; break;
        case SUB: top--; top[-1] -= *top; break;
        case MUL: top--; top[-1] *= *top; break;
        case DIV: top--; top[-1] /= *top; break;
        case MOD: top--; top[-1] %= *top; break;
        case LESS: top--; top[-1] = top[-1] < *top; break;
        case EQUAL: top--; top[-1] = top[-1] == *top; break;
        case JUMP: pc = program + number; break;
        case UNLESS: if (!*--top) pc = program + number; break;
        case PRINT: out += sprintf(out, "%d ", *--top); break;
        case PUT: top -= 2; array[top[0]] = top[1]; break;
        default: return steps;
        }
    }
}

static const struct {
    const char *text, *result;
} sources[] = {
    {"a = 1071; b = 462; while 0 < b { c = a % b; a = b; b = c; } print a;", "21 "},
    {"a = 0; b = 1; i = 0; while i < 40 { c = a + b; a = b; b = c; i = i + 1; } print a;",
     "102334155 "},
    {"i = 2; c = 0; while i < 300 { if @i == 0 { c = c + 1; j = i * i;"
     " while j < 300 { @j = 1; j = j + i; } } i = i + 1; } print c;", "62 "},
    {"n = 27; s = 0; while 1 < n { o = n % 2; if o n = 3 * n + 1; if o == 0 n = n / 2;"
     " s = s + 1; } print s;", "111 "},
    {"n = 10; i = 0; while i < n { @i = (i * 7 + 3) % n; i = i + 1; } i = 0; while i < n {"
     " j = 0; while j < n - 1 { a = @j; b = @(j + 1); if b < a { @j = b; @(j + 1) = a; }"
     " j = j + 1; } i = i + 1; } i = 0; while i < n { print @i; i = i + 1; }",
     "0 1 2 3 4 5 6 7 8 9 "},
};

int main(void)
{
    int wrong = 0;
    for (int i = 0; i < (int)(sizeof sources / sizeof *sources); i++) {
        memset(array, 0, sizeof array);
        compile(sources[i].text);
        int steps = run();
        printf("%d bytes, %d steps: %s\n", size, steps, output);
        wrong += strcmp(output, sources[i].result) != 0;
    }
    return wrong;
}
