/* Timer of the Arm Cortex-M System Design Kit (CMSDK): counts down at the system clock.
 * Registers: Arm DDI 0479, chapter 4.1. */
#include "timer.h"

#include "../register.h"
#include "tk_board.h"

#define CTRL   REGISTER(TK_BOARD_TIMER_BASE + 0x00u)
#define VALUE  REGISTER(TK_BOARD_TIMER_BASE + 0x04u)
#define RELOAD REGISTER(TK_BOARD_TIMER_BASE + 0x08u)

#define CTRL_ENABLE (1u << 0)

void tk_timer_init(void)
{
    RELOAD = UINT32_MAX;
    VALUE = UINT32_MAX;
    tk_timer_resume();
}

uint32_t tk_timer_ticks(void)
{
    return UINT32_MAX - VALUE;
}

void tk_timer_pause(void)
{
    CTRL = 0;
}

void tk_timer_resume(void)
{
    CTRL = CTRL_ENABLE;
}
