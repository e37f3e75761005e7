/* The interrupt controller, as a driver sees it on the core and on qemu. */

#ifndef GIC_H
#define GIC_H

#include "bare.h"

#define GICD(offset) (*(volatile uint32_t *)(GICD_BASE + (offset)))
#define GICR(offset) (*(volatile uint32_t *)(GICR_BASE + (offset)))
#define GICR_SGI(offset) (*(volatile uint32_t *)(GICR_BASE + 0x10000 + (offset)))

#define TIMER 27
#define UART 33
#define SPURIOUS 1023

static inline volatile uint32_t *gic_bits(unsigned base, unsigned intid)
{
    return intid < 32 ? &GICR_SGI(base) : &GICD(base + intid / 32 * 4);
}

static inline void gic_sync(void)
{
    __asm__ volatile("dsb sy\n\tisb" ::: "memory");
}

static inline void gic_enable(unsigned intid, unsigned priority)
{
    volatile uint8_t *priorities = (volatile uint8_t *)(intid < 32 ? &GICR_SGI(0x400)
                                                                   : &GICD(0x400));
    priorities[intid] = (uint8_t)priority;
    *gic_bits(0x100, intid) = 1u << intid % 32;
    gic_sync();
}

static inline void gic_disable(unsigned intid)
{
    *gic_bits(0x180, intid) = 1u << intid % 32;
    gic_sync();
}

static inline int gic_bit(unsigned base, unsigned intid)
{
    return *gic_bits(base, intid) >> intid % 32 & 1;
}

static inline void gic_start(void)
{
    GICD(0) = 0x12;                     /* affinity routing, group 1 */
    GICR(0x14) = 0;
    while (GICR(0x14) & 4)
        ;
    GICR_SGI(0x80) = 0xffffffff;
    GICD(0x84) = 0xffffffff;
    WRITE(icc_sre_el1, 1);
    WRITE(icc_pmr_el1, 0xf0);
    WRITE(icc_igrpen1_el1, 1);
    gic_sync();
}

static inline void send_self(unsigned sgi)
{
    WRITE(icc_sgi1r_el1, (uint64_t)sgi << 24 | 1);
    gic_sync();
}

static inline void unmask(void)
{
    __asm__ volatile("msr daifclr, #2\n\tisb" ::: "memory");
}

static inline void mask(void)
{
    __asm__ volatile("msr daifset, #2" ::: "memory");
}

#endif
