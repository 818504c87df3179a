/* General-purpose timer of the STM32 with 32 bits (TIM2 or TIM5): counts up at its bus clock.
 * Registers: ST RM0090, chapter 18.4. The clock (RCC) must be on: see uart/stm32.c. */
#include "timer.h"

#include "../register.h"
#include "tk_board.h"

#define CR1 REGISTER(TK_BOARD_TIMER_BASE + 0x00u)
#define CNT REGISTER(TK_BOARD_TIMER_BASE + 0x24u)
#define ARR REGISTER(TK_BOARD_TIMER_BASE + 0x2Cu)

#define CR1_ENABLE (1u << 0)

void tk_timer_init(void)
{
    ARR = UINT32_MAX;
    tk_timer_resume();
}

uint32_t tk_timer_ticks(void)
{
    return CNT;
}

void tk_timer_pause(void)
{
    CR1 = 0;
}

void tk_timer_resume(void)
{
    CR1 = CR1_ENABLE;
}
