/* Interrupts through the controller: software, timer and UART; priorities, masks, two-step end. */

#include "gic.h"

#define IMSC (*(volatile uint32_t *)(UART_BASE + 0x38))
#define EDGE 40

EL0_INSTRUCTION(el0_wait, "1:\tldr x9, taken\n\tcbz x9, 1b");

volatile uint64_t taken;
static volatile uint64_t log, last, nests, running;

/* What happens is noted as decimal digits: the number when it begins, 9 when it ends. */
void on_interrupt(void)
{
    uint64_t intid = READ(icc_iar1_el1);

    last = intid;
    taken++;
    if (intid >= 1020)
        return;
    log = log * 10 + intid % 10;
    running = READ(icc_rpr_el1);
    if (intid == TIMER)
        WRITE(cntv_ctl_el0, 0);
    if (intid == UART) {
        IMSC = 0;
        gic_sync();
    }
    if (intid == nests) {
        send_self(nests + 1);
        unmask();
        __asm__ volatile("nop\n\tnop\n\tnop");
        mask();
    }
    WRITE(icc_eoir1_el1, intid);
    log = log * 10 + 9;
}

static void wait_for(uint64_t count)
{
    for (int i = 0; i < 100000 && taken < count; i++)
        __asm__ volatile("");
}

static void forget(void)
{
    taken = log = last = nests = running = 0;
}

static void software(void)
{
    forget();
    gic_enable(3, 0x80);
    send_self(3);
    expect("masked: pending", gic_bit(0x200, 3), 1);
    expect("masked: hppir", READ(icc_hppir1_el1), 3);
    expect("masked: taken", taken, 0);
    expect("masked: isr", READ(isr_el1), 1 << 7);
    unmask();
    wait_for(1);
    mask();
    expect("taken", last, 3);
    expect("priority at work", running, 0x80);
    expect("no longer pending", gic_bit(0x280, 3), 0);
    expect("no longer active", gic_bit(0x300, 3), 0);
    expect("isr", READ(isr_el1), 0);
    expect("idle priority", READ(icc_rpr_el1), 0xff);
    expect("nothing", READ(icc_iar1_el1), SPURIOUS);
    forget();
    gic_disable(3);
    send_self(3);
    unmask();
    expect("disabled", taken, 0);
    gic_enable(3, 0x80);
    wait_for(1);
    expect("enabled", last, 3);
    mask();
}

static void priorities(void)
{
    forget();
    gic_enable(4, 0x80);
    gic_enable(5, 0x40);
    nests = 4;
    unmask();
    send_self(4);
    wait_for(2);
    expect("a higher priority preempts", log, 4599);
    forget();
    gic_enable(5, 0x80);
    nests = 4;
    send_self(4);
    wait_for(2);
    expect("an equal one does not", log, 4959);
    mask();
    forget();
    gic_enable(5, 0x20);
    send_self(4);
    send_self(3);
    send_self(5);
    unmask();
    wait_for(3);
    expect("in order", log, 593949);
    forget();
    WRITE(icc_pmr_el1, 0x80);
    send_self(4);
    expect("below the mask", taken, 0);
    expect("but pending", READ(icc_hppir1_el1), 4);
    WRITE(icc_pmr_el1, 0xf0);
    wait_for(1);
    expect("above it", last, 4);
    mask();
}

static void polled(void)
{
    uint64_t intid;

    WRITE(icc_ctlr_el1, READ(icc_ctlr_el1) | 2);
    send_self(4);
    intid = READ(icc_iar1_el1);
    expect("acknowledged", intid, 4);
    WRITE(icc_eoir1_el1, intid);
    expect("priority dropped", READ(icc_rpr_el1), 0xff);
    expect("still active", gic_bit(0x300, 4), 1);
    send_self(4);
    expect("pending behind it", gic_bit(0x200, 4), 1);
    expect("but not again", READ(icc_iar1_el1), SPURIOUS);
    WRITE(icc_dir_el1, intid);
    expect("again", READ(icc_iar1_el1), 4);
    WRITE(icc_eoir1_el1, 4);
    WRITE(icc_dir_el1, 4);
    expect("inactive", gic_bit(0x300, 4), 0);
    WRITE(icc_ctlr_el1, READ(icc_ctlr_el1) & ~2ull);
}

static void timer(void)
{
    forget();
    gic_enable(TIMER, 0x60);
    WRITE(cntv_tval_el0, 0x7fffffff);    /* further away than any delay of the host */
    WRITE(cntv_ctl_el0, 1);
    expect("timer is off", READ(cntv_ctl_el0) >> 2 & 1, 0);
    WRITE(cntv_tval_el0, 2000);
    /* Masked, it ends the wait all the same. */
    while (!(READ(cntv_ctl_el0) & 4))
        __asm__ volatile("wfi");
    expect("expired", READ(cntv_ctl_el0), 5);
    expect("level", gic_bit(0x200, TIMER), 1);
    expect("masked", taken, 0);
    unmask();
    wait_for(1);
    mask();
    expect("timer", last, TIMER);
    expect("level", gic_bit(0x200, TIMER), 0);
    forget();
    WRITE(cntv_cval_el0, READ(cntvct_el0) + 2000);
    WRITE(cntv_ctl_el0, 1);
    unmask();
    while (!taken)
        __asm__ volatile("wfi");
    mask();
    expect("timer again", last, TIMER);
    WRITE(cntv_cval_el0, ~0ull);
    WRITE(cntv_ctl_el0, 1);
    expect("never", READ(cntv_ctl_el0), 1);
    WRITE(cntv_ctl_el0, 0);
}

static void shared(void)
{
    forget();
    gic_enable(UART, 0x70);
    expect("uart is quiet", gic_bit(0x200, UART), 0);
    unmask();
    IMSC = 1 << 5;                      /* there is room to send */
    gic_sync();
    wait_for(1);
    expect("uart", last, UART);
    expect("once", taken, 1);
    mask();
    forget();
    GICD(0xc00 + EDGE / 16 * 4) = 2u << EDGE % 16 * 2;
    gic_enable(EDGE, 0x10);
    *gic_bits(0x200, EDGE) = 1u << EDGE % 32;
    gic_sync();
    expect("edge is latched", gic_bit(0x200, EDGE), 1);
    *gic_bits(0x280, EDGE) = 1u << EDGE % 32;
    gic_sync();
    expect("and cleared", gic_bit(0x200, EDGE), 0);
    *gic_bits(0x200, EDGE) = 1u << EDGE % 32;
    gic_sync();
    unmask();
    wait_for(1);
    mask();
    expect("edge", last, EDGE);
    expect("its priority", running, 0x10);
    expect("latch is empty", gic_bit(0x200, EDGE), 0);
}

static void at_lower_level(void)
{
    forget();
    send_self(3);
    at_el0(el0_wait, EL0_OPEN);
    expect("el0", last, 3);
    forget();
    mask();
    send_self(3);
    /* It is taken before the first instruction. */
    at_el0(el0_wait, EL0_OPEN);
    expect("el0 again", taken, 1);
}

int main(void)
{
    gic_start();
    expect("architecture", GICD(0xffe8) >> 4 & 15, 3);
    expect("redistributor", GICR(0xffe8) >> 4 & 15, 3);
    expect("the last one", GICR(8) >> 4 & 1, 1);
    expect("system registers", READ(icc_sre_el1) & 1, 1);
    expect("pfr0", READ(id_aa64pfr0_el1) >> 24 & 15, 1);
    expect("groups", GICR_SGI(0x80) & 0xffff, 0xffff);
    expect("routing", GICD(0x6100) | GICD(0x6104), 0);
    software();
    priorities();
    polled();
    timer();
    shared();
    at_lower_level();
    expect_none("no exception");
    put(failures ? "FAILED\n" : "passed\n");
    return failures != 0;
}
