/* Bare metal on QEMU's MPS2 boards: runs the front end over one clip, window by window, and prints by semihosting
 * `instructions of each push`, `stack` and all rows. With -icount shift=6 an instruction takes 64 ns and a tick of the
 * 25 MHz timer 40 ns: instructions = ticks * 5 / 8. */
#include <stdint.h>

#include "audio.h"
#include "tk_features.h"

#define TIMER ((volatile uint32_t *)0x40000000u) /* CMSDK: control, value, reload; counts down */
#define CPACR (*(volatile uint32_t *)0xE000ED88u)
#define PAINT 0xA5A5A5A5u

extern uint32_t stack_bottom[], stack_top[], bss_start[], bss_end[];

static int8_t rows[TK_FEATURES_FRAMES][TK_FEATURES_WIDTH];
static uint32_t ticks[TK_FEATURES_FRAMES];

static void semihost(uint32_t operation, const void *argument)
{
    register uint32_t r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = argument;
    __asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
}

static void print(uint32_t value)
{
    char text[12] = " ";
    char *at = text + sizeof text - 2;
    *at = ' ';
    at[1] = 0;
    do {
        *--at = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    semihost(4, at);
}

static void stop(uint32_t reason)
{
    semihost(0x18, (const void *)(uintptr_t)reason);
    for (;;) {
    }
}

void fault(void)
{
    stop(0x20023);
}

static uint32_t *stack_pointer(void)
{
    uint32_t *value;
    __asm volatile("mov %0, sp" : "=r"(value));
    return value;
}

/* How deep the pushes went below this function's frame. */
static uint32_t measure(void)
{
    uint32_t *const top = stack_pointer();
    for (uint32_t *word = stack_bottom; word < top; word++) {
        *(volatile uint32_t *)word = PAINT;
    }
    tk_features_reset();
    const int16_t *samples = audio;
    for (uint32_t frame = 0; frame < TK_FEATURES_FRAMES; frame++) {
        uint32_t used = 0;
        const uint32_t count = frame ? TK_FEATURES_HOP_SAMPLES : TK_FEATURES_WINDOW_SAMPLES;
        const uint32_t before = TIMER[1];
        (void)tk_features_push(samples, count, rows[frame], 1, &used);
        ticks[frame] = before - TIMER[1];
        samples += used;
    }
    const uint32_t *word = stack_bottom;
    while (*(const volatile uint32_t *)word == PAINT) {
        word++;
    }
    return (uint32_t)(top - word) * 4;
}

void reset(void)
{
#if defined(__ARM_FP)
    CPACR |= 0xFu << 20;
    __asm volatile("dsb\n isb");
#endif
    for (uint32_t *word = bss_start; word < bss_end; word++) {
        *(volatile uint32_t *)word = 0;
    }
    TIMER[2] = 0xFFFFFFFFu;
    TIMER[1] = 0xFFFFFFFFu;
    TIMER[0] = 1;
    const uint32_t stack = measure();
    for (uint32_t frame = 0; frame < TK_FEATURES_FRAMES; frame++) {
        print(ticks[frame] * 5 / 8);
    }
    print(stack);
    for (uint32_t i = 0; i < sizeof rows; i++) {
        print((uint8_t)rows[0][i]);
    }
    stop(0x20026);
}

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    stack_top, reset, fault, fault, fault, fault, fault,
};
