/* Runs many generated models under the sanitizers and writes what they compute to stdout.
 *
 * sanitized.h, made by sanitized.py, has the table `cases`. All rows of a case are run one after the other from a
 * reset on, twice. Before each inference the arena is filled with noise: nothing may rely on what was left there.
 * Per inference come the outputs of each op as tk_trace() sees them, each behind its number and its size, then
 * the number 0xffffffff and the size and bytes of all model outputs. All numbers are uint32 of the host. */
#include "sanitized.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 2 };

void tk_trace(uint32_t op, const void *data, uint32_t bytes);

static void put(const void *data, size_t bytes)
{
    if (fwrite(data, 1, bytes, stdout) != bytes) {
        exit(1);
    }
}

void tk_trace(uint32_t op, const void *data, uint32_t bytes)
{
    put(&op, sizeof op);
    put(&bytes, sizeof bytes);
    put(data, bytes);
}

uint8_t tk_noise(void)
{
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return (uint8_t)(state >> 24);
}

static void infer(const tk_case *it, const uint8_t **from)
{
    it->scramble();
    for (int i = 0; it->input_bytes[i] != 0; i++) {
        memcpy(it->input(i), *from, it->input_bytes[i]);
        *from += it->input_bytes[i];
    }
    it->invoke();
    const uint32_t end = UINT32_MAX;
    uint32_t bytes = 0;
    for (int i = 0; it->output_bytes[i] != 0; i++) {
        bytes += it->output_bytes[i];
    }
    put(&end, sizeof end);
    put(&bytes, sizeof bytes);
    for (int i = 0; it->output_bytes[i] != 0; i++) {
        put(it->output(i), it->output_bytes[i]);
    }
}

int main(void)
{
    static uint8_t inputs[INPUTS_BYTES];
    const uint8_t *from = inputs;
    if (fread(inputs, 1, sizeof inputs, stdin) != sizeof inputs) {
        return 1;
    }
    for (uint32_t i = 0; i < CASES; i++) {
        const uint8_t *const start = from;
        for (int round = 0; round < ROUNDS; round++) {
            from = start;
            cases[i].reset();
            for (uint32_t row = 0; row < cases[i].rows; row++) {
                infer(&cases[i], &from);
            }
        }
        fflush(stdout); /* what came out tells which case the sanitizers stopped */
    }
    return 0;
}
