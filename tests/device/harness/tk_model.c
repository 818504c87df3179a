#include "tk_model.h"

#include <stdlib.h>
#include <string.h>

#ifdef TK_TRACE
void tk_trace(uint32_t op, const void *data, uint32_t bytes);
#define TRACE(op, data, bytes) tk_trace(op, data, bytes)
#else
#define TRACE(op, data, bytes) (void)0
#endif

/* On the heap and of the exact size, so that the address sanitizer sees one byte too many. */
static uint8_t *input[2], *output[2];
static uint8_t sums[4], ends[2];
static uint8_t state;

void tk_model_reset(void)
{
    static const uint32_t in[] = TK_MODEL_INPUT_SIZES, out[] = TK_MODEL_OUTPUT_SIZES;
    int i;

    state = 0;
    for (i = 0; i < 2; i++) {
        if (input[i] == 0) {
            input[i] = calloc(in[i], 1);
            output[i] = calloc(out[i], 1);
        }
    }
}

int8_t *tk_model_input(int index)
{
    return (int8_t *)input[index];
}

const int8_t *tk_model_output(int index)
{
    return (const int8_t *)output[index];
}

void tk_model_invoke(void)
{
    uint32_t i;

    for (i = 0; i < 300; i++)
        input[0][i] = (uint8_t)(input[0][i] ^ input[1][i % 3]);
    TRACE(0, input[0], 300);
    memset(sums, 0, sizeof sums);
    for (i = 0; i < 300; i++)
        sums[i % 4] = (uint8_t)(sums[i % 4] + input[0][i]);
    ends[0] = input[0][0];
    ends[1] = input[0][299];
    TRACE(4, sums, 4);
    TRACE(4, ends, 2);
    for (i = 0; i < 280; i++)
        output[0][i] = (uint8_t)(input[0][i] + sums[i % 4]);
    output[1][0] = (uint8_t)(ends[0] + ends[1]);
    output[1][1] = state++;
    TRACE(7, output[0], 280);
    TRACE(7, output[1], 2);
}
