/* What differs from one processor architecture to the next: a folder of this one for each, which also
 * has the way from reset to main(). */
#ifndef CORE_H
#define CORE_H

#include <stdint.h>

/* Sleep until the UART requests its receive interrupt; no handler runs. A byte that came before the
 * sleep left its request pending, and one that comes after the clearing sets it again: none is
 * missed. May return early. */
void tk_core_sleep(void);

/* Restart; does not return. */
void tk_core_reset(void);

#define TK_FAULT_WORDS 4

/* On a fault: write one line with the names and values of these registers, `pc` first, and stop. */
void tk_fault_stop(const char *const names[TK_FAULT_WORDS], const uint32_t values[TK_FAULT_WORDS]);

#endif
