/* How much stack a call really used: paint the free stack, run the call, look how far the paint is gone.
 *
 *     tk_stack_paint();
 *     tk_model_invoke();
 *     used = tk_stack_used();
 *
 * All three from the same function. Interrupts that strike in between are counted: they use the same stack. */
#ifndef TK_STACK_H
#define TK_STACK_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* What tk_stack_used() returns where the stack's bounds are not known (stacks of an RTOS task). */
#define TK_STACK_UNKNOWN UINT32_MAX

/* Fill the stack below the caller with a pattern. */
void tk_stack_paint(void);

/* Bytes used below the caller since tk_stack_paint(). */
uint32_t tk_stack_used(void);

#ifdef __cplusplus
}
#endif

#endif
