#ifndef TILICHO_DEVICES_H
#define TILICHO_DEVICES_H

#include <stdint.h>

/* The addresses come from the memory map: the tool chain defines UART_BASE and SYSCTL_BASE. */
#define UART_DR (*(volatile uint32_t *)(UART_BASE + 0x00))
#define UART_FR (*(volatile uint32_t *)(UART_BASE + 0x18))
#define UART_FR_RXFE 0x10u
#define UART_FR_TXFF 0x20u

#define SYSCTL_EXIT (*(volatile uint32_t *)(SYSCTL_BASE + 0x00))
/* Of the run harness only: what it counts starts at zero again. */
#define SYSCTL_MARK (*(volatile uint32_t *)(SYSCTL_BASE + 0x04))
#define SYSCTL_CYCLES_LO (*(volatile uint32_t *)(SYSCTL_BASE + 0x08))
#define SYSCTL_CYCLES_HI (*(volatile uint32_t *)(SYSCTL_BASE + 0x0c))

#endif
