/* A recurrent layer with long short-term memory, int8 with an int16 cell. */
#ifndef TK_LSTM_H
#define TK_LSTM_H

#include "tk_requantize.h"
#include "tk_sigmoid16.h"

enum { TK_INPUT_GATE, TK_FORGET_GATE, TK_CELL_GATE, TK_OUTPUT_GATE, TK_GATES };

/* Of tk_requantize_any(). */
typedef struct {
    int32_t multiplier, shift;
} tk_lstm_scale;

typedef struct {
    int32_t steps, in_c, units;
    int32_t input_multiplier[4], input_shift[4];         /* of each gate: products with the input */
    int32_t recurrent_multiplier[4], recurrent_shift[4]; /* and with the hidden state */
    tk_lstm_scale forget_cell, input_cell, hidden;
    int32_t cell_limit;                 /* the cell stays within -cell_limit..cell_limit */
    int32_t tanh_multiplier, tanh_shift; /* the cell to three times tanh's input; the shift rounds */
    int32_t zero_point;                 /* of the hidden state and the output */
} tk_lstm_params;

TK_INLINE int32_t tk_limited_s16(int32_t v)
{
    return tk_clamp(v, INT16_MIN, INT16_MAX);
}

TK_INLINE int32_t tk_lstm_scaled(int32_t v, const tk_lstm_scale *scale)
{
    return tk_requantize_any(v, scale->multiplier, scale->shift);
}

/* sums[g] = bias[g] + sum of filter[g][k] * x[k], for the four gates of a unit */
TK_INLINE void tk_lstm_sums(const int8_t *filter, const int32_t *bias, const int8_t *x, int32_t depth, int32_t *sums)
{
    int32_t acc0 = bias[0], acc1 = bias[1], acc2 = bias[2], acc3 = bias[3];
    TK_UNROLLED
    for (int32_t k = 0; k < depth; k++) {
        const int32_t v = x[k];
        acc0 += v * filter[k];
        acc1 += v * filter[k + depth];
        acc2 += v * filter[k + 2 * depth];
        acc3 += v * filter[k + 3 * depth];
    }
    sums[0] = acc0;
    sums[1] = acc1;
    sums[2] = acc2;
    sums[3] = acc3;
}

/* What the gates' functions are applied to: three times the sum of both products, 12 fraction bits. */
TK_INLINE void tk_lstm_gates(const int32_t *from_input, const int32_t *from_hidden, int32_t *gates,
                             const tk_lstm_params *p)
{
    for (int32_t g = 0; g < TK_GATES; g++) {
        const int32_t a = tk_limited_s16(tk_requantize_any(from_input[g], p->input_multiplier[g], p->input_shift[g]));
        const int32_t b =
            tk_limited_s16(tk_requantize_any(from_hidden[g], p->recurrent_multiplier[g], p->recurrent_shift[g]));
        gates[g] = 3 * tk_limited_s16(a + b);
    }
}

/* One unit: its cell moves on; returns its output, without a zero point and not limited yet. */
TK_INLINE int32_t tk_lstm_moved(const int32_t *gate, const uint16_t *table, int16_t *cell, const tk_lstm_params *p)
{
    const int32_t forget = tk_logistic_s16(gate[TK_FORGET_GATE], table);
    const int32_t input = tk_logistic_s16(gate[TK_INPUT_GATE], table);
    const int32_t kept = tk_limited_s16(tk_lstm_scaled(forget * *cell, &p->forget_cell));
    const int32_t fresh = input * tk_tanh_s16(gate[TK_CELL_GATE], table);
    const int32_t added = tk_limited_s16(tk_lstm_scaled(fresh, &p->input_cell));
    const int32_t moved = tk_clamp(tk_limited_s16(kept + added), -p->cell_limit, p->cell_limit);
    *cell = (int16_t)moved;

    const int32_t half = (1 << p->tanh_shift) >> 1;
    const int32_t tanh_of_cell = tk_tanh_s16((moved * p->tanh_multiplier + half) >> p->tanh_shift, table);
    const int32_t product = tanh_of_cell * tk_logistic_s16(gate[TK_OUTPUT_GATE], table);
    return tk_lstm_scaled(product, &p->hidden);
}

TK_INLINE int8_t tk_lstm_unit(const int32_t *gate, const uint16_t *table, int16_t *cell, const tk_lstm_params *p)
{
    return (int8_t)tk_clamp(tk_lstm_moved(gate, table, cell, p) + p->zero_point, INT8_MIN, INT8_MAX);
}

/* A step's outputs are its hidden state: units write theirs to out while the others still read the old one.
 *
 * in:               int8 [steps][in_c]
 * input_filter:     int8 [units][4][in_c], the gates in the order of the enumeration above
 * input_bias:       int32 [units][4], with -zero_point * sum(filter) of the input's zero point added
 * recurrent_filter: int8 [units][4][units]
 * recurrent_bias:   int32 [units][4], -zero_point * sum(filter) of the hidden state's zero point
 * table:            uint16 [256], of tk_sigmoid_between()
 * hidden:           int8 [units], state
 * cell:             int16 [units], state
 * out:              int8 [steps][units]; must not overlap in */
TK_KERNEL void tk_lstm_s8(const int8_t *in, const int8_t *input_filter, const int32_t *input_bias,
                          const int8_t *recurrent_filter, const int32_t *recurrent_bias, const uint16_t *table,
                          int8_t *hidden, int16_t *cell, int8_t *out, const tk_lstm_params *p)
{
    for (int32_t t = 0; t < p->steps; t++) {
        for (int32_t n = 0; n < p->units; n++) {
            int32_t from_input[TK_GATES], from_hidden[TK_GATES], gates[TK_GATES];
            const int32_t row = n * TK_GATES;
            tk_lstm_sums(input_filter + row * p->in_c, input_bias + row, in, p->in_c, from_input);
            tk_lstm_sums(recurrent_filter + row * p->units, recurrent_bias + row, hidden, p->units, from_hidden);
            tk_lstm_gates(from_input, from_hidden, gates, p);
            out[n] = tk_lstm_unit(gates, table, cell + n, p);
        }
        memcpy(hidden, out, (size_t)p->units);
        in += p->in_c;
        out += p->units;
    }
}

#endif
