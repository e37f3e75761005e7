/* Graphs: shortest ways by Dijkstra with a heap, by Bellman and Ford, and through a maze. */

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define NODES 96
#define EDGES (NODES * 4)
#define FAR 0x3fffffff
#define SIDE 25

struct edge {
    int16_t to, next;
    int32_t length;
};

static struct edge edges[EDGES];
static int16_t first_edge[NODES];
static int32_t distance[NODES], checked[NODES];
static int16_t heap[NODES + 1], place[NODES];
static int heap_size;

static void make_graph(void)
{
    uint32_t state = 12345;
    memset(first_edge, -1, sizeof first_edge);
    for (int i = 0; i < EDGES; i++) {
        state = state * 1664525 + 1013904223;
        int from = i % NODES, to = i < NODES ? (i + 1) % NODES : (int)((state >> 16) % NODES);
        int length = i < NODES ? 500 : 1 + (int)(state >> 8 & 0xff);
        edges[i] = (struct edge){(int16_t)to, first_edge[from], length};
        first_edge[from] = (int16_t)i;
    }
}

static void put(int at, int16_t node)
{
    heap[at] = node;
    place[node] = (int16_t)at;
}

static void move_up(int at, int16_t node)
{
    for (; at > 1 && distance[heap[at / 2]] > distance[node]; at /= 2)
        put(at, heap[at / 2]);
    put(at, node);
}

static int take_nearest(void)
{
    int nearest = heap[1], at = 1;
    int16_t last = heap[heap_size--];
    for (int child; (child = 2 * at) <= heap_size; at = child) {
        if (child < heap_size && distance[heap[child + 1]] < distance[heap[child]])
            child++;
        if (distance[heap[child]] >= distance[last])
            break;
        put(at, heap[child]);
    }
    put(at, last);
    return nearest;
}

static void dijkstra(int from)
{
    for (int i = 0; i < NODES; i++)
        distance[i] = FAR;
    distance[from] = 0;
    heap_size = 0;
    for (int i = 0; i < NODES; i++)
        move_up(++heap_size, (int16_t)i);
    while (heap_size) {
        int node = take_nearest();
        for (int i = first_edge[node]; i >= 0; i = edges[i].next) {
            int32_t way = distance[node] + edges[i].length;
            if (way < distance[edges[i].to]) {
                distance[edges[i].to] = way;
                move_up(place[edges[i].to], edges[i].to);
            }
        }
    }
}

static void bellman_ford(int from)
{
    for (int i = 0; i < NODES; i++)
        checked[i] = FAR;
    checked[from] = 0;
    for (int changed = 1; changed;) {
        changed = 0;
        for (int i = 0; i < EDGES; i++) {
            int32_t way = checked[i % NODES] + edges[i].length;
            if (way < checked[edges[i].to]) {
                checked[edges[i].to] = way;
                changed = 1;
            }
        }
    }
}

/* A maze of a binary tree: of each cell, the wall to the north or to the west is open. */
static int solve_maze(uint32_t state)
{
    static uint8_t open[2 * SIDE + 1][2 * SIDE + 1];
    static uint16_t steps[2 * SIDE + 1][2 * SIDE + 1], queue[SIDE * SIDE * 2];
    int head = 0, tail = 0, visited = 0;
    memset(open, 0, sizeof open);
    memset(steps, 0, sizeof steps);
    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            state = state * 1664525 + 1013904223;
            int north = y && (!x || state >> 31);
            open[2 * y + 1][2 * x + 1] = 1;
            if (x || y)
                open[2 * y + !north][2 * x + north] = 1;
        }
    queue[tail++] = (2 * SIDE - 1) << 8 | (2 * SIDE - 1);
    steps[2 * SIDE - 1][2 * SIDE - 1] = 1;
    while (head < tail) {
        static const int8_t moves[] = {0, 1, 0, -1, 0};
        int y = queue[head] >> 8, x = queue[head++] & 0xff;
        visited++;
        for (int i = 0; i < 4; i++) {
            int v = y + moves[i], u = x + moves[i + 1];
            if (open[v][u] && !steps[v][u]) {
                steps[v][u] = (uint16_t)(steps[y][x] + 1);
                queue[tail++] = (uint16_t)(v << 8 | u);
            }
        }
    }
    printf("maze: %d cells, %d steps\n", visited, steps[1][1] - 1);
    /* A tree, whose ways lead north and west only. */
    return visited != 2 * SIDE * SIDE - 1 || steps[1][1] - 1 != 4 * (SIDE - 1);
}

int main(void)
{
    int wrong = 0;
    make_graph();
    for (int from = 0; from < NODES; from += 32) {
        int32_t farthest = 0, sum = 0;
        dijkstra(from);
        bellman_ford(from);
        for (int i = 0; i < NODES; i++) {
            wrong += distance[i] != checked[i];
            sum += distance[i];
            if (distance[i] > farthest)
                farthest = distance[i];
        }
        printf("from %d: farthest %d, sum %d\n", from, (int)farthest, (int)sum);
    }
    wrong += solve_maze(7);
    return wrong != 0;
}
