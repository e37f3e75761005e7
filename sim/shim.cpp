// C interface of a Verilated top: ports and memories by address, cycles in batches.
#include "Vtop.h"
#include "verilated.h"
#include "verilated_syms.h"
#if VM_TRACE_FST
#include "verilated_fst_c.h"
using Trace = VerilatedFstC;
#elif VM_TRACE_VCD
#include "verilated_vcd_c.h"
using Trace = VerilatedVcdC;
#endif
#include <cstdint>
#include <cstring>

struct Model {
    VerilatedContext context;
    Vtop top;
    uint64_t time = 0;
#if VM_TRACE
    Trace *trace = nullptr;
#endif
    Model() : top(&context) {}

    void step(int clk) {
        top.clk = clk;
        top.eval();
#if VM_TRACE
        if (trace) trace->dump(time);
#endif
        time += 5;
    }
};

// Everything else is hidden: two models in one process must not share their C++ symbols.
#pragma GCC visibility push(default)
extern "C" {

Model *model_new() {
    Model *model = new Model;
#if VM_TRACE
    model->context.traceEverOn(true);
#endif
    model->step(0);
    return model;
}

// Verilator reaches for the context of the thread, which another model may have set, and freed.
static void enter(Model *model) { Verilated::threadContextp(&model->context); }

void model_delete(Model *model) {
    enter(model);
    model->top.final();
    delete model;
}

// Clock until *until is non-zero or max_cycles have passed; returns the cycles clocked.
uint64_t model_run(Model *model, uint64_t max_cycles, const uint8_t *until) {
    enter(model);
    uint64_t cycles = 0;
    while (cycles < max_cycles) {
        model->step(1);
        model->step(0);
        ++cycles;
        if (until && *until) break;
    }
    return cycles;
}

// Address of the memory array "mem" in the scope, and bytes of one row and of all; null if none.
void *model_memory(Model *model, const char *scope, uint64_t *row_bytes, uint64_t *bytes) {
    const VerilatedScope *found = model->context.scopeFind(scope);
    VerilatedVar *var = found ? found->varFind("mem") : nullptr;
    if (!var) return nullptr;
    *bytes = var->totalSize();
    *row_bytes = var->entSize();
    return var->datap();
}

// Names of all scopes, one per line; returns the length that is needed.
uint64_t model_scopes(Model *model, char *buffer, uint64_t size) {
    uint64_t length = 0;
    for (const auto &entry : *model->context.scopeNameMap()) {
        uint64_t bytes = std::strlen(entry.first);
        if (length + bytes + 1 <= size) {
            std::memcpy(buffer + length, entry.first, bytes);
            buffer[length + bytes] = '\n';
        }
        length += bytes + 1;
    }
    return length;
}

int model_trace_open(Model *model, const char *path) {
    enter(model);
#if VM_TRACE
    model->trace = new Trace;
    model->top.trace(model->trace, 99);
    model->trace->open(path);
    return model->trace->isOpen();
#else
    (void)path;
    return 0;
#endif
}

void model_trace_close(Model *model) {
    enter(model);
#if VM_TRACE
    if (model->trace) {
        model->trace->close();
        delete model->trace;
        model->trace = nullptr;
    }
#endif
}

#define PORT(name, member) void *port_##name(Model *model) { return &model->top.member; }
#include "ports.inc"
}
#pragma GCC visibility pop
