/* Driver of the interrupt controller: a GICv3, of which only group 1 is used. */

#include <interrupts.h>

#define GICD(offset) (*(volatile uint32_t *)((uintptr_t)GICD_BASE + (offset)))
#define GICR(offset) (*(volatile uint32_t *)((uintptr_t)GICR_BASE + (offset)))

#define CTLR 0x0
#define WAKER 0x14
#define SGI_PAGE 0x10000
#define GROUP 0x80
#define SET_ENABLE 0x100
#define CLEAR_ENABLE 0x180
#define PRIORITY 0x400
#define CONFIGURATION 0xc00

#define CHILDREN_ASLEEP 4u
#define NUMBERS 64
#define SPURIOUS 1020

#define READ(name) ({ uint64_t value_; __asm__ volatile("mrs %0, " #name : "=r"(value_)); value_; })
#define WRITE(name, value) \
    __asm__ volatile("msr " #name ", %0" : : "r"((uint64_t)(value)) : "memory")

extern char __interrupt_vectors[];
static interrupt_handler handlers[NUMBERS];

static void synchronize(void)
{
    __asm__ volatile("dsb sy\n\tisb" ::: "memory");
}

/* Private interrupts have their registers in the redistributor. */
static volatile uint32_t *word(unsigned array, unsigned number)
{
    return number < 32 ? &GICR(SGI_PAGE + array) : &GICD(array + number / 32 * 4);
}

void interrupt_start(void)
{
    GICD(CTLR) = 0x12;
    GICR(WAKER) = 0;
    while (GICR(WAKER) & CHILDREN_ASLEEP)
        ;
    for (unsigned number = 0; number < NUMBERS; number += 32) {
        *word(GROUP, number) = 0xffffffff;
        *word(CLEAR_ENABLE, number) = 0xffffffff;
    }
    WRITE(icc_sre_el1, 1);
    WRITE(icc_pmr_el1, 0xff);
    WRITE(icc_igrpen1_el1, 1);
    WRITE(vbar_el1, __interrupt_vectors);
    synchronize();
}

bool interrupt_allow(bool allowed)
{
    bool before = !(READ(daif) & 1 << 7);

    if (allowed)
        __asm__ volatile("msr daifclr, #2" ::: "memory");
    else
        __asm__ volatile("msr daifset, #2" ::: "memory");
    return before;
}

void interrupt_enable(unsigned number, uint8_t priority, interrupt_handler handler)
{
    volatile uint8_t *priorities = (volatile uint8_t *)
        (number < 32 ? &GICR(SGI_PAGE + PRIORITY) : &GICD(PRIORITY));

    handlers[number] = handler;
    priorities[number] = priority;
    *word(SET_ENABLE, number) = 1u << number % 32;
    synchronize();
}

void interrupt_disable(unsigned number)
{
    *word(CLEAR_ENABLE, number) = 1u << number % 32;
    synchronize();
}

void interrupt_on_edge(unsigned number, bool edge)
{
    volatile uint32_t *configuration = &GICD(CONFIGURATION + number / 16 * 4);
    uint32_t bit = 2u << number % 16 * 2;

    *configuration = edge ? *configuration | bit : *configuration & ~bit;
    synchronize();
}

void interrupt_send(unsigned number)
{
    WRITE(icc_sgi1r_el1, (uint64_t)number << 24 | 1);
    synchronize();
}

unsigned interrupt_take(void)
{
    unsigned number = (unsigned)READ(icc_iar1_el1);

    synchronize();
    return number;
}

void interrupt_end(unsigned number)
{
    WRITE(icc_eoir1_el1, number);
    __asm__ volatile("isb" ::: "memory");
}

/* Called by the vector with interrupts masked; return state and address are saved. */
void tilicho_interrupt(void)
{
    unsigned number;

    while ((number = interrupt_take()) < SPURIOUS) {
        interrupt_allow(true);
        handlers[number](number);
        interrupt_allow(false);
        interrupt_end(number);
    }
}
