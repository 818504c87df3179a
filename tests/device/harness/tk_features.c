#include "tk_features.h"

#include <string.h>

static int16_t window[TK_FEATURES_WINDOW_SAMPLES];
static uint32_t filled;

void tk_features_reset(void)
{
    filled = 0;
}

static void make_row(int8_t *row)
{
    uint32_t sum = 0, i;

    row[0] = row[1] = (int8_t)(window[0] / 256);
    for (i = 0; i < TK_FEATURES_WINDOW_SAMPLES; i++) {
        int8_t high = (int8_t)(window[i] / 256);

        if (high < row[0])
            row[0] = high;
        if (high > row[1])
            row[1] = high;
        sum += (uint32_t)(uint16_t)window[i];
    }
    row[2] = (int8_t)(sum % 128);
}

uint32_t tk_features_push(const int16_t *samples, uint32_t count, int8_t *rows, uint32_t max_rows,
                          uint32_t *used)
{
    uint32_t made = 0;

    for (*used = 0; *used < count && made < max_rows; ++*used) {
        window[filled++] = samples[*used];
        if (filled < TK_FEATURES_WINDOW_SAMPLES)
            continue;
        make_row(rows + made++ * TK_FEATURES_WIDTH);
        filled -= TK_FEATURES_HOP_SAMPLES;
        memmove(window, window + TK_FEATURES_HOP_SAMPLES, filled * sizeof window[0]);
    }
    return made;
}
