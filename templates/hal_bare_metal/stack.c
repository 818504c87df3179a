/* tk_stack.h where main() runs on the stack that the linker script laid out. */
#include "tk_stack.h"

#define PAINT 0x5AFE57ACu /* unlikely as data, and not a valid address */

extern uint32_t tk_stack_limit; /* lowest address of the stack, from the linker script */

static uint32_t *painted_to; /* stack pointer at the time of painting */

/* The register itself, which Arm and RISC-V call the same. */
__extension__ register uint32_t *stack_pointer __asm("sp");

/* Volatile: the compiler must neither drop these writes nor make them a call of memset(), whose
 * frame would lie in what is being painted. Not inlined: the frame of tk_stack_paint() ends where
 * the caller's begins, so what is counted is the caller's view to a few bytes (this frame). */
__attribute__((noinline)) void tk_stack_paint(void)
{
    uint32_t *const top = stack_pointer;

    for (volatile uint32_t *word = &tk_stack_limit; word < top; word++) {
        *word = PAINT;
    }
    painted_to = top;
}

__attribute__((noinline)) uint32_t tk_stack_used(void)
{
    const volatile uint32_t *word = &tk_stack_limit;

    while (word < painted_to && *word == PAINT) {
        word++;
    }
    return (uint32_t)((const volatile char *)painted_to - (const volatile char *)word);
}
