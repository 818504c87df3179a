/* Timer of the nRF51 with 32 bits (TIMER0): counts up at 16 MHz.
 * Registers: nRF51 Series Reference Manual 3.0, chapter 18. */
#include "timer.h"

#include "../register.h"
#include "tk_board.h"

#define TASK_START   REGISTER(TK_BOARD_TIMER_BASE + 0x000u)
#define TASK_STOP    REGISTER(TK_BOARD_TIMER_BASE + 0x004u)
#define TASK_CAPTURE REGISTER(TK_BOARD_TIMER_BASE + 0x040u) /* of the count, into CC */
#define BITMODE      REGISTER(TK_BOARD_TIMER_BASE + 0x508u)
#define PRESCALER    REGISTER(TK_BOARD_TIMER_BASE + 0x510u)
#define CC           REGISTER(TK_BOARD_TIMER_BASE + 0x540u)

#define BITMODE_32 3u

void tk_timer_init(void)
{
    BITMODE = BITMODE_32;
    PRESCALER = 0;
    tk_timer_resume();
}

uint32_t tk_timer_ticks(void)
{
    TASK_CAPTURE = 1;
    return CC;
}

void tk_timer_pause(void)
{
    TASK_STOP = 1;
}

void tk_timer_resume(void)
{
    TASK_START = 1;
}
