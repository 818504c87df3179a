/* Runs models on an emulated Cortex-M: the vector table, and a main() that leaves its results in a file on the host.
 *
 * `cases`, `inputs` and the linker script come from firmware.py. Before each inference a model's arena and state are
 * filled with noise and the model is reset, so that nothing can rely on what was left there (only before the first one,
 * where the state is to be kept); guards between arenas tell who writes outside his own.
 * The results are, per inference: the outputs, then the instructions as ticks of the timer, uint32.
 * Semihosting: Arm IHI 0100, "Semihosting for AArch32 and AArch64". */
#include "cases.h"

#include "timer/timer.h"

#include <string.h>

enum { SYS_OPEN = 0x01, SYS_CLOSE = 0x02, SYS_WRITE = 0x05, SYS_EXIT_EXTENDED = 0x20 };
enum { MODE_WB = 5, APPLICATION_EXIT = 0x20026 };
enum { DONE = 0, FAULT = 3, IO_FAILED = 4, GUARD_BROKEN = 16 }; /* exit codes; GUARD_BROKEN + number of the case */

#define CPACR (*(volatile uint32_t *)0xE000ED88u)

void tk_start(void);
void tk_fault(void);
extern uint32_t tk_stack_top[]; /* linker script */

static int32_t host(int32_t operation, const void *arguments)
{
    register int32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = arguments;
    __asm__ volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static void leave(uint32_t code)
{
    const uint32_t arguments[2] = {APPLICATION_EXIT, code};
    (void)host(SYS_EXIT_EXTENDED, arguments);
    for (;;) {
    }
}

void tk_fault(void)
{
    leave(FAULT);
}

static uint32_t file;

static void put(const void *data, uint32_t bytes)
{
    const uint32_t arguments[3] = {file, (uint32_t)data, bytes};
    if (bytes > 0 && host(SYS_WRITE, arguments) != 0) {
        leave(IO_FAILED);
    }
}

static void guard(uint8_t *bytes, int check, uint32_t number)
{
    for (uint32_t i = 0; i < CASE_GUARD_BYTES; i++) {
        if (check && bytes[i] != 0xA5) {
            leave(GUARD_BROKEN + number);
        }
        bytes[i] = 0xA5;
    }
}

static void run(const tk_case *it, uint32_t number)
{
    static uint32_t noise = 1;
    const uint8_t *from = it->inputs;
    for (uint32_t row = 0; row < it->rows; row++) {
        guard(it->arena - CASE_GUARD_BYTES, 0, number);
        guard(it->arena_end, 0, number);
        if (row == 0 || !it->stateful) {
            for (uint8_t *byte = it->arena; byte != it->arena_end; byte++) {
                noise = noise * 1664525u + 1013904223u;
                *byte = (uint8_t)(noise >> 24);
            }
            it->reset();
        }
        for (int i = 0; it->input_bytes[i] != 0; i++) {
            memcpy(it->input(i), from, it->input_bytes[i]);
            from += it->input_bytes[i];
        }
        const uint32_t before = tk_timer_ticks();
        it->invoke();
        const uint32_t ticks = tk_timer_ticks() - before;
        guard(it->arena - CASE_GUARD_BYTES, 1, number);
        guard(it->arena_end, 1, number);
        for (int i = 0; it->output_bytes[i] != 0; i++) {
            put(it->output(i), it->output_bytes[i]);
        }
        put(&ticks, sizeof ticks);
    }
}

void tk_start(void)
{
#if CASE_FPU
    CPACR |= 0xFu << 20;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    static const char name[] = CASE_RESULTS;
    const uint32_t arguments[3] = {(uint32_t)name, MODE_WB, sizeof name - 1};
    file = (uint32_t)host(SYS_OPEN, arguments);
    tk_timer_init();
    for (uint32_t i = 0; i < CASES; i++) {
        run(&cases[i], i);
    }
    (void)host(SYS_CLOSE, &file);
    leave(DONE);
}

__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    void (*handlers[15])(void);
} vectors = {tk_stack_top, {tk_start, tk_fault, tk_fault, tk_fault, tk_fault, tk_fault}};
