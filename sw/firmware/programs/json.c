/* A JSON parser: a text becomes a tree in an arena, the tree becomes a text again. */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NODES 160
#define ROUNDS 4

enum kind { NOTHING, BOOLEAN, NUMBER, TEXT, ARRAY, OBJECT };

struct node {
    enum kind kind;
    long number;
    const char *name, *text;
    struct node *first, *next;
};

struct parser {
    const char *at;
    char *spare;
    const char *error;
};

static struct node nodes[NODES];
static int used_nodes;
static char texts[1500], printed[2000];
static char *print_at;

static const char document[] =
    "{\n  \"name\": \"tile \\\"A\\\"\", \"rows\": 32, \"columns\": 32, \"signed\": true,\n"
    "  \"types\": [\"int8\", \"bf16\", \"fp8\", \"tf32\"], \"parent\": null, \"offset\": -1250,\n"
    "  \"regions\": [\n"
    "    {\"base\": 1073741824, \"size\": 67108864, \"kind\": \"dram\", \"cached\": true},\n"
    "    {\"base\": 268435456, \"size\": 262144, \"kind\": \"sbuf\", \"cached\": false},\n"
    "    {\"base\": 151060480, \"size\": 4096, \"kind\": \"uart\", \"cached\": false}\n  ],\n"
    "  \"empty\": {}, \"none\": [], \"nested\": [[1, [2, [3, [4, [5]]]]],"
    " {\"a\": {\"b\": {\"c\": []}}}],\n"
    "  \"escapes\": \"line\\nbreak\\ttab \\u0041\\u007a \\\\ end\"\n}\n";

static struct node *parse_value(struct parser *parser);

static void skip_space(struct parser *parser)
{
    while (isspace((unsigned char)*parser->at))
        parser->at++;
}

static int accept(struct parser *parser, char c)
{
    skip_space(parser);
    if (*parser->at != c)
        return 0;
    parser->at++;
    return 1;
}

static struct node *new_node(struct parser *parser, enum kind kind)
{
    if (used_nodes == NODES) {
        parser->error = "too many values";
        return NULL;
    }
    struct node *node = &nodes[used_nodes++];
    *node = (struct node){.kind = kind};
    return node;
}

static const char *parse_text(struct parser *parser)
{
    static const char escapes[] = "n\nt\tr\rb\bf\f";
    const char *start = parser->spare;
    while (*parser->at && *parser->at != '"') {
        char c = *parser->at++;
        if (c == '\\') {
            c = *parser->at++;
            const char *known = strchr(escapes, c);
            if (c == 'u') {
                char digits[5] = {0};
                memcpy(digits, parser->at, 4);
                c = (char)strtol(digits, NULL, 16);
                parser->at += 4;
            } else if (known) {
                c = known[1];
            }
        }
        *parser->spare++ = c;
    }
    *parser->spare++ = 0;
    if (!accept(parser, '"'))
        parser->error = "text without end";
    return start;
}

static struct node *parse_members(struct parser *parser, enum kind kind, char end)
{
    struct node *node = new_node(parser, kind);
    if (!node || accept(parser, end))
        return node;
    struct node **link = &node->first;
    do {
        const char *name = NULL;
        if (kind == OBJECT) {
            if (!accept(parser, '"')) {
                parser->error = "name expected";
                return node;
            }
            name = parse_text(parser);
            if (!accept(parser, ':'))
                parser->error = "colon expected";
        }
        *link = parse_value(parser);
        if (parser->error)
            return node;
        (*link)->name = name;
        link = &(*link)->next;
    } while (accept(parser, ','));
    if (!accept(parser, end))
        parser->error = "end of a list expected";
    return node;
}

static struct node *parse_word(struct parser *parser)
{
    static const struct {
        const char *text;
        enum kind kind;
        int value;
    } words[] = {{"true", BOOLEAN, 1}, {"false", BOOLEAN, 0}, {"null", NOTHING, 0}};
    for (int i = 0; i < 3; i++) {
        size_t length = strlen(words[i].text);
        if (!strncmp(parser->at, words[i].text, length)) {
            struct node *node = new_node(parser, words[i].kind);
            parser->at += length;
            if (node)
                node->number = words[i].value;
            return node;
        }
    }
    parser->error = "value expected";
    return NULL;
}

static struct node *parse_value(struct parser *parser)
{
    skip_space(parser);
    char c = *parser->at;
    if (accept(parser, '{'))
        return parse_members(parser, OBJECT, '}');
    if (accept(parser, '['))
        return parse_members(parser, ARRAY, ']');
    if (c != '"' && c != '-' && !isdigit((unsigned char)c))
        return parse_word(parser);
    struct node *node = new_node(parser, c == '"' ? TEXT : NUMBER);
    if (!node)
        return NULL;
    if (accept(parser, '"')) {
        node->text = parse_text(parser);
    } else {
        char *end;
        node->number = strtol(parser->at, &end, 10);
        parser->at = end;
    }
    return node;
}

static void print_char(char c)
{
    *print_at++ = c;
}

static char *append(char *to, const char *text)
{
    size_t length = strlen(text);
    memcpy(to, text, length);
    return to + length;
}

static void print_text(const char *text)
{
    print_char('"');
    for (; *text; text++) {
        if (*text == '"' || *text == '\\' || *text == '\n' || *text == '\t')
            print_char('\\');
        print_char(*text == '\n' ? 'n' : *text == '\t' ? 't' : *text);
    }
    print_char('"');
}

static void print_node(const struct node *node)
{
    if (node->name) {
        print_text(node->name);
        print_char(':');
    }
    if (node->kind == NOTHING)
        print_at = append(print_at, "null");
    else if (node->kind == BOOLEAN)
        print_at = append(print_at, node->number ? "true" : "false");
    else if (node->kind == NUMBER)
        print_at += sprintf(print_at, "%ld", node->number);
    else if (node->kind == TEXT)
        print_text(node->text);
    if (node->kind < ARRAY)
        return;
    print_char(node->kind == ARRAY ? '[' : '{');
    for (const struct node *member = node->first; member; member = member->next) {
        print_node(member);
        if (member->next)
            print_char(',');
    }
    print_char(node->kind == ARRAY ? ']' : '}');
}

static struct node *parse(struct parser *parser, const char *text)
{
    used_nodes = 0;
    *parser = (struct parser){text, texts, NULL};
    struct node *root = parse_value(parser);
    skip_space(parser);
    if (!parser->error && *parser->at)
        parser->error = "end of text expected";
    return root;
}

static const struct node *member(const struct node *node, const char *name)
{
    for (node = node->first; node && strcmp(node->name, name); node = node->next)
        ;
    return node;
}

int main(void)
{
    static const char *const wrong_texts[] = {"{\"a\" 1}", "[1, 2", "{\"a\": tru}", "[1] 2", "\"x"};
    static char again[sizeof printed];
    struct parser parser;
    int failures = 0;
    const char *text = document;
    for (int round = 0; round < ROUNDS; round++) {
        struct node *root = parse(&parser, text);
        failures += parser.error != NULL;
        long sum = 0;
        for (const struct node *node = member(root, "regions")->first; node; node = node->next)
            sum += member(node, "base")->number + member(node, "size")->number;
        failures += sum != 1073741824 + 67108864 + 268435456 + 262144 + 151060480 + 4096;
        failures += strcmp(member(root, "escapes")->text, "line\nbreak\ttab Az \\ end") != 0;
        print_at = printed;
        print_node(root);
        *print_at = 0;
        if (round)
            failures += strcmp(again, printed) != 0;
        strcpy(again, printed);
        text = again;
    }
    printf("%s\n%d values\n", again, used_nodes);
    for (int i = 0; i < 5; i++) {
        parse(&parser, wrong_texts[i]);
        failures += parser.error == NULL;
        printf("%s: %s\n", wrong_texts[i], parser.error ? parser.error : "accepted");
    }
    return failures != 0;
}
