/* A red-black tree: insertion, deletion and search, its rules checked after each phase. */

#include <stdint.h>
#include <stdio.h>

#define KEYS 256

struct node {
    struct node *child[2], *parent;
    int key, red;
};

static struct node pool[KEYS + 1], nil_node;
static struct node *const nil = &nil_node;
static struct node *root;

static int side_of(const struct node *node)
{
    return node == node->parent->child[1];
}

static void replace(struct node *old, struct node *new)
{
    if (old->parent == nil)
        root = new;
    else
        old->parent->child[side_of(old)] = new;
    new->parent = old->parent;
}

/* The node goes down to `side`, its other child takes its place. */
static void rotate(struct node *node, int side)
{
    struct node *up = node->child[!side];
    node->child[!side] = up->child[side];
    if (up->child[side] != nil)
        up->child[side]->parent = node;
    replace(node, up);
    up->child[side] = node;
    node->parent = up;
}

static struct node *search(int key)
{
    struct node *node = root;
    while (node != nil && node->key != key)
        node = node->child[key > node->key];
    return node;
}

static void insert(struct node *node, int key)
{
    struct node *parent = nil, **link = &root;
    while (*link != nil) {
        parent = *link;
        link = &parent->child[key > parent->key];
    }
    *node = (struct node){{nil, nil}, parent, key, 1};
    *link = node;
    while (node->parent->red) {
        struct node *grand = node->parent->parent;
        int side = side_of(node->parent);
        struct node *uncle = grand->child[!side];
        if (uncle->red) {
            node->parent->red = uncle->red = 0;
            grand->red = 1;
            node = grand;
            continue;
        }
        if (side_of(node) != side) {
            node = node->parent;
            rotate(node, side);
        }
        node->parent->red = 0;
        grand->red = 1;
        rotate(grand, !side);
    }
    root->red = 0;
}

static void repair(struct node *node)
{
    while (node != root && !node->red) {
        struct node *parent = node->parent;
        int side = side_of(node);
        struct node *sibling = parent->child[!side];
        if (sibling->red) {
            sibling->red = 0;
            parent->red = 1;
            rotate(parent, side);
            sibling = parent->child[!side];
        }
        if (!sibling->child[0]->red && !sibling->child[1]->red) {
            sibling->red = 1;
            node = parent;
            continue;
        }
        if (!sibling->child[!side]->red) {
            sibling->child[side]->red = 0;
            sibling->red = 1;
            rotate(sibling, !side);
            sibling = parent->child[!side];
        }
        sibling->red = parent->red;
        parent->red = sibling->child[!side]->red = 0;
        rotate(parent, side);
        node = root;
    }
    node->red = 0;
}

static void erase(struct node *node)
{
    struct node *moved;
    int was_red = node->red;
    if (node->child[0] == nil || node->child[1] == nil) {
        moved = node->child[node->child[0] == nil];
        replace(node, moved);
    } else {
        struct node *next = node->child[1];
        while (next->child[0] != nil)
            next = next->child[0];
        was_red = next->red;
        moved = next->child[1];
        if (next->parent == node) {
            moved->parent = next;
        } else {
            replace(next, moved);
            next->child[1] = node->child[1];
            next->child[1]->parent = next;
        }
        replace(node, next);
        next->child[0] = node->child[0];
        next->child[0]->parent = next;
        next->red = node->red;
    }
    if (!was_red)
        repair(moved);
}

/* Return the number of black nodes on every way down; -1 if the tree breaks a rule. */
static int check(const struct node *node, int low, int high)
{
    if (node == nil)
        return 1;
    int left = check(node->child[0], low, node->key);
    int right = check(node->child[1], node->key, high);
    if (left < 0 || left != right || node->key <= low || node->key >= high)
        return -1;
    if (node->red && (node->child[0]->red || node->child[1]->red))
        return -1;
    return left + !node->red;
}

static int depth(const struct node *node)
{
    if (node == nil)
        return 0;
    int left = depth(node->child[0]), right = depth(node->child[1]);
    return 1 + (left > right ? left : right);
}

int main(void)
{
    int wrong = 0, found = 0;
    nil->child[0] = nil->child[1] = nil->parent = root = nil;
    /* 1 to 256 in the order of the powers of a primitive root of the prime 257. */
    for (int i = 0, key = 1; i < KEYS; i++, key = key * 3 % 257) {
        insert(&pool[i], key);
        if (i % 64 == 63)
            wrong += check(root, 0, KEYS + 1) < 0;
    }
    printf("black height %d, depth %d\n", check(root, 0, KEYS + 1), depth(root));
    wrong += depth(root) > 16;
    for (int key = -KEYS; key < 2 * KEYS; key++)
        found += search(key) != nil;
    wrong += found != KEYS;
    for (int i = 0, key = 5; i < KEYS / 2; i++, key = key * 9 % 257) {
        erase(search(key));
        if (i % 32 == 31)
            wrong += check(root, 0, KEYS + 1) < 0;
    }
    int64_t sum = 0;
    for (int key = 1; key <= KEYS; key++)
        if (search(key) != nil)
            sum = sum * 3 % 1000003 + key;
    printf("sum %ld, depth %d\n", (long)sum, depth(root));
    while (root != nil)
        erase(root);
    printf("%d wrong\n", wrong);
    return wrong != 0;
}
