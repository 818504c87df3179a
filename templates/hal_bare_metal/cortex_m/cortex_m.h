/* The few registers that every Cortex-M core has (Armv7-M Architecture Reference Manual, chapter B3). */
#ifndef CORTEX_M_H
#define CORTEX_M_H

#include "../register.h"

#define SCB_VTOR  REGISTER(0xE000ED08u) /* address of the vector table */
#define SCB_AIRCR REGISTER(0xE000ED0Cu) /* reset control; writes need the key 0x05FA in the upper half */
#define SCB_CFSR  REGISTER(0xE000ED28u) /* why it faulted */
#define SCB_HFSR  REGISTER(0xE000ED2Cu)
#define SCB_CPACR REGISTER(0xE000ED88u) /* access to coprocessors; 10 and 11 are the FPU */

#define NVIC_ENABLE(irq)        REGISTER(0xE000E100u + 4u * ((irq) / 32u)) /* write 1 << irq % 32 */
#define NVIC_DISABLE(irq)       REGISTER(0xE000E180u + 4u * ((irq) / 32u))
#define NVIC_CLEAR_PENDING(irq) REGISTER(0xE000E280u + 4u * ((irq) / 32u))

#endif
