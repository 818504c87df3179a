/* What one call costs: ticks of the counter and bytes of stack. */
#ifndef TK_MEASURE_H
#define TK_MEASURE_H

#include <stdint.h>

typedef struct {
    uint32_t ticks; /* what measuring costs is included: see tk_measure_overhead() */
    uint32_t stack_bytes;
} tk_measurement;

tk_measurement tk_measure(void (*work)(void));

/* Ticks that measuring an empty function gives: the least of several tries. */
uint32_t tk_measure_overhead(void);

#endif
