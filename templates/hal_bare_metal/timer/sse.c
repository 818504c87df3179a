/* System counter of Arm's Corstone subsystems (SSE-300): counts up at the system clock, 64 bits.
 * Registers of the control frame: Arm 101773 (SSE-300 Technical Reference Manual), system counter. */
#include "timer.h"

#include "../register.h"
#include "tk_board.h"

#define CNTCR    REGISTER(TK_BOARD_TIMER_BASE + 0x00u)
#define CNTCV_LO REGISTER(TK_BOARD_TIMER_BASE + 0x08u)

#define CNTCR_ENABLE (1u << 0)

void tk_timer_init(void)
{
    tk_timer_resume();
}

uint32_t tk_timer_ticks(void)
{
    return CNTCV_LO;
}

void tk_timer_pause(void)
{
    CNTCR = 0;
}

void tk_timer_resume(void)
{
    CNTCR = CNTCR_ENABLE;
}
