/* Runs a generated model on the development computer.
 *
 * As a shared library: tk_host_set_trace() installs a function that sees the outputs of each op.
 * As a program (TK_HOST_MAIN), so that sanitizers can stop it: reads requests from stdin, a letter each:
 *   'r'  reset
 *   'i'  followed by all inputs: one inference; replies with a record for each op output, then the model outputs
 * A record is the op's number and a byte count, both uint32 of the host, and the bytes; the model outputs have the
 * number 0xffffffff, one record for all. */
#include "tk_model.h"

#include <stdio.h>
#include <stdlib.h>

typedef void (*tk_host_trace)(uint32_t op, const void *data, uint32_t bytes);

void tk_trace(uint32_t op, const void *data, uint32_t bytes);
void tk_host_set_trace(tk_host_trace function);

static tk_host_trace trace;

void tk_host_set_trace(tk_host_trace function)
{
    trace = function;
}

void tk_trace(uint32_t op, const void *data, uint32_t bytes)
{
    if (trace) {
        trace(op, data, bytes);
    }
}

#ifdef TK_HOST_MAIN

static const uint32_t input_sizes[] = TK_MODEL_INPUT_SIZES;
static const uint32_t output_sizes[] = TK_MODEL_OUTPUT_SIZES;

static void put(const void *data, uint32_t bytes)
{
    if (fwrite(data, 1, bytes, stdout) != bytes) {
        exit(1);
    }
}

static void put_record(uint32_t op, const void *data, uint32_t bytes)
{
    put(&op, sizeof op);
    put(&bytes, sizeof bytes);
    put(data, bytes);
}

static void infer(void)
{
    for (int i = 0; i < TK_MODEL_INPUTS; i++) {
        if (fread(tk_model_input(i), 1, input_sizes[i], stdin) != input_sizes[i]) {
            exit(1);
        }
    }
    tk_model_invoke();
    const uint32_t end = UINT32_MAX;
    const uint32_t bytes = TK_MODEL_OUTPUT_BYTES;
    put(&end, sizeof end);
    put(&bytes, sizeof bytes);
    for (int i = 0; i < TK_MODEL_OUTPUTS; i++) {
        put(tk_model_output(i), output_sizes[i]);
    }
    fflush(stdout);
}

int main(void)
{
    trace = put_record;
    tk_model_reset();
    for (int request = getchar(); request != EOF; request = getchar()) {
        if (request == 'r') {
            tk_model_reset();
        } else {
            infer();
        }
    }
    return 0;
}

#endif
