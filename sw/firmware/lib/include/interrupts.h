/* Interrupts of programs: handlers that the interrupt controller's driver calls.

   Numbers (INTID) are those of the chip's header: 0 to 15 are sent by software, 27 is the virtual
   timer, 33 the UART. Lower priorities are more urgent; 16 of them are told apart. */

#ifndef TILICHO_INTERRUPTS_H
#define TILICHO_INTERRUPTS_H

#include <stdbool.h>
#include <stdint.h>

#define INTERRUPT_TIMER 27
#define INTERRUPT_UART 33

typedef void (*interrupt_handler)(unsigned number);

/* Start the interrupt controller and its vectors; the core still takes no interrupt. */
void interrupt_start(void);

/* Let the core take interrupts, or not; return whether it took them before. */
bool interrupt_allow(bool allowed);

/* Call `handler` for an interrupt, above those of a higher priority value that are being handled. */
void interrupt_enable(unsigned number, uint8_t priority, interrupt_handler handler);
void interrupt_disable(unsigned number);

/* A rising edge asks, not a level; for numbers from 32 on. */
void interrupt_on_edge(unsigned number, bool edge);

/* Send an interrupt, 0 to 15, to this core. */
void interrupt_send(unsigned number);

/* What a handler is called by: acknowledge the interrupt that asks (1023 for none), and end it. */
unsigned interrupt_take(void);
void interrupt_end(unsigned number);

/* Wait until an interrupt asks, whether or not the core takes it. */
static __inline void interrupt_wait(void)
{
    __asm__ volatile("wfi" ::: "memory");
}

#endif
