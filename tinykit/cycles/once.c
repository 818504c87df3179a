/* Runs a model once on an emulated Cortex-M with an FPU, on inputs of noise, and ends the emulator by semihosting
 * (Arm IHI 0100). No serial, no timer: what a QEMU plugin counts is the model. */
#include "tk_model.h"

#include <stddef.h>

#define CPACR (*(volatile uint32_t *)0xE000ED88u)
enum { SYS_EXIT = 0x18, APPLICATION_EXIT = 0x20026, RUN_TIME_ERROR = 0x20023 };

extern uint32_t once_stack_top[]; /* linker script */
void once_start(void);
void once_fault(void);
void once_done(void);

static void leave(uint32_t reason)
{
    register uint32_t r0 __asm__("r0") = SYS_EXIT;
    register uint32_t r1 __asm__("r1") = reason;
    __asm__ volatile("bkpt 0xAB" : : "r"(r0), "r"(r1) : "memory");
    for (;;) {
    }
}

void once_fault(void)
{
    leave(RUN_TIME_ERROR);
}

__attribute__((noinline)) void once_done(void)
{
    leave(APPLICATION_EXIT);
}

void once_start(void)
{
    static const uint32_t sizes[] = TK_MODEL_INPUT_SIZES;
    uint32_t noise = 1;
    CPACR |= 0xFu << 20; /* the FPU's registers may hold spilled values */
    __asm__ volatile("dsb\n\tisb");
    tk_model_reset();
    for (int i = 0; i < TK_MODEL_INPUTS; i++) {
        int8_t *const to = tk_model_input(i);
        for (uint32_t k = 0; k < sizes[i]; k++) {
            noise = noise * 1664525u + 1013904223u;
            to[k] = (int8_t)(noise >> 24);
        }
    }
    tk_model_invoke();
    once_done();
}

__attribute__((section(".vectors"), used)) static void (*const vectors[16])(void) = {
    (void (*)(void))once_stack_top, once_start, once_fault, once_fault, once_fault, once_fault, once_fault,
};
