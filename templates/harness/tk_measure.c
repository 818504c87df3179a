#include "tk_measure.h"

#include "tk_hal.h"
#include "tk_stack.h"

uint32_t tk_measure_ticks(uint32_t difference)
{
#if TK_BUILD_COUNTER_UNIT == TK_COUNTER_INSTRUCTIONS
    return (uint32_t)(((uint64_t)difference * TK_BUILD_COUNTER_NUMERATOR +
                       TK_BUILD_COUNTER_DENOMINATOR / 2u) /
                      TK_BUILD_COUNTER_DENOMINATOR);
#else
    return difference;
#endif
}

/* The one place where time is taken, for the work and for nothing alike, so that the difference is
 * the work's alone. The pointer is volatile, or the compiler might inline one and not the other. */
static uint32_t ticks_of(void (*volatile work)(void))
{
    uint32_t start = tk_hal_counter();

    work();
    return tk_measure_ticks(tk_hal_counter() - start);
}

static void nothing(void)
{
}

tk_measurement tk_measure(void (*work)(void))
{
    tk_measurement result;

    tk_stack_paint();
    result.ticks = ticks_of(work);
    result.stack_bytes = tk_stack_used();
    return result;
}

uint32_t tk_measure_overhead(void)
{
    uint32_t least = ticks_of(nothing);

    for (int tries = 0; tries < 3; tries++) { /* an interrupt may fall into one */
        const uint32_t ticks = ticks_of(nothing);

        if (ticks < least) {
            least = ticks;
        }
    }
    return least;
}
