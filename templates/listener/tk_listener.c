/* The model's outputs are averaged over the newest inferences; when the greatest average belongs to a
 * keyword and is high enough, it was heard. The twin of tinykit/audio/decision.py. */
#include "tk_listener.h"

#include <string.h>

#include "tk_features.h"
#include "tk_listener_config.h"
#include "tk_model.h"

#define CLASSES TK_LISTENER_CLASSES
#define WINDOW_BYTES (TK_LISTENER_WINDOW_ROWS * TK_FEATURES_WIDTH)

#if TK_MODEL_OUTPUT_BYTES != TK_LISTENER_CLASSES
#error "the model has another number of outputs than there are labels"
#endif
#if TK_LISTENER_FIRST_ROW * TK_FEATURES_WIDTH != TK_MODEL_INPUT_BYTES
#error "the model's input is not rows of this front end"
#endif

const char *const tk_listener_labels[CLASSES] = TK_LISTENER_LABELS;
static const uint8_t keywords[CLASSES] = TK_LISTENER_KEYWORDS;

#if TK_LISTENER_WINDOW_ROWS
static int8_t window[WINDOW_BYTES]; /* the newest rows; not the model's input, which it overwrites */
#endif
static int16_t outputs[TK_LISTENER_AVERAGE][CLASSES]; /* the newest, zero point taken off */
static int32_t sums[CLASSES];                         /* of them */
static uint32_t oldest;                               /* index into outputs */
static uint32_t rows;                                 /* heard */
static uint32_t due;                                  /* rows until the next inference */
static uint32_t deaf;                                 /* rows until a keyword can be reported */

void tk_listener_reset(void)
{
    tk_features_reset();
    tk_model_reset();
    memset(outputs, 0, sizeof outputs);
    memset(sums, 0, sizeof sums);
    oldest = 0;
    rows = 0;
    due = TK_LISTENER_FIRST_ROW;
    deaf = 0;
}

/* Take the model's outputs into the averages. */
static void average(void)
{
    const int8_t *given = tk_model_output(0);

    for (uint32_t c = 0; c < CLASSES; c++) {
#if TK_LISTENER_UNSIGNED
        const int32_t value = (uint8_t)given[c] - TK_LISTENER_ZERO_POINT;
#else
        const int32_t value = given[c] - TK_LISTENER_ZERO_POINT;
#endif
        sums[c] += value - outputs[oldest][c];
        outputs[oldest][c] = (int16_t)value;
    }
    oldest = (oldest + 1) % TK_LISTENER_AVERAGE;
}

/* Whether a keyword has the greatest average, and one that is high enough. */
static int decide(tk_detection *found)
{
    uint32_t best = 0;

    for (uint32_t c = 1; c < CLASSES; c++) {
        if (sums[c] > sums[best]) {
            best = c;
        }
    }
    if (deaf > 0 || !keywords[best] || sums[best] < TK_LISTENER_THRESHOLD) {
        return 0;
    }
    deaf = TK_LISTENER_REFRACTORY_ROWS;
    *found = (tk_detection){rows, best, sums[best]};
    return 1;
}

/* Where the next row goes. */
static int8_t *next_row(void)
{
#if TK_LISTENER_WINDOW_ROWS
    memmove(window, window + TK_FEATURES_WIDTH, WINDOW_BYTES - TK_FEATURES_WIDTH);
    return window + WINDOW_BYTES - TK_FEATURES_WIDTH;
#else
    return tk_model_input(0) + (TK_LISTENER_STEP_ROWS - due) * TK_FEATURES_WIDTH;
#endif
}

/* One more row is there. */
static int advance(tk_detection *found)
{
    rows++;
    deaf -= deaf > 0;
    if (--due > 0) {
        return 0;
    }
    due = TK_LISTENER_STEP_ROWS;
#if TK_LISTENER_WINDOW_ROWS
    if (TK_MODEL_STATE_BYTES > 0) {
        tk_model_reset(); /* each window is a clip of its own */
    }
    memcpy(tk_model_input(0), window, WINDOW_BYTES);
#endif
    tk_model_invoke();
#ifdef TK_MODEL_PERIOD /* a stream with phases */
    if (!tk_model_output_is_new(0)) {
        return 0;
    }
#endif
    if (rows < TK_LISTENER_WARM_UP_ROWS) {
        return 0;
    }
    average();
    return decide(found);
}

int tk_listener_push(const int16_t *samples, uint32_t count, uint32_t *used, tk_detection *found)
{
    *used = 0;
    while (*used < count) {
        int8_t row[TK_FEATURES_WIDTH];
        uint32_t taken = 0;

        if (tk_features_push(samples + *used, count - *used, row, 1, &taken) > 0) {
            memcpy(next_row(), row, TK_FEATURES_WIDTH);
            if (advance(found)) {
                *used += taken;
                return 1;
            }
        }
        *used += taken;
    }
    return 0;
}

uint32_t tk_listener_rows(void)
{
    return rows;
}

uint32_t tk_listener_ms(uint32_t row)
{
    const uint64_t samples = TK_FEATURES_WINDOW_SAMPLES + (uint64_t)(row - 1) * TK_FEATURES_HOP_SAMPLES;

    return (uint32_t)(samples * 1000u / TK_FEATURES_SAMPLE_RATE_HZ);
}
