/* What one call costs: ticks of the counter and bytes of stack. */
#ifndef TK_MEASURE_H
#define TK_MEASURE_H

#include <stdint.h>

#include "tk_wire.h"

#include "tk_build.h"

/* Where the counter counts instructions, `ticks` are whole instructions: an instruction may be a
 * broken number of the timer's ticks, and rounded one by one, measurements can be added up without
 * an error. Where it counts time, they are the counter's ticks. The host is told which by the
 * numerator and denominator to apply. */
#if TK_BUILD_COUNTER_UNIT == TK_COUNTER_INSTRUCTIONS
#define TK_MEASURE_NUMERATOR 1
#define TK_MEASURE_DENOMINATOR 1
#else
#define TK_MEASURE_NUMERATOR TK_BUILD_COUNTER_NUMERATOR
#define TK_MEASURE_DENOMINATOR TK_BUILD_COUNTER_DENOMINATOR
#endif

/* The difference of two readings of tk_hal_counter() in such ticks. */
uint32_t tk_measure_ticks(uint32_t difference);

typedef struct {
    uint32_t ticks; /* what measuring costs is included: see tk_measure_overhead() */
    uint32_t stack_bytes;
} tk_measurement;

tk_measurement tk_measure(void (*work)(void));

/* Ticks that measuring an empty function gives: the least of several tries. */
uint32_t tk_measure_overhead(void);

#endif
