/* A recurrent layer with long short-term memory, int16 activations and cell, int8 weights. */
#ifndef TK_LSTM_INT16_H
#define TK_LSTM_INT16_H

#include "tk_lstm.h"
#include "tk_matvec_int16.h"

/* What the gates' functions are applied to, from both products of one unit; see tk_lstm_gates(). Multipliers and
 * shifts of the gates are those of tk_requantize_wide(). */
TK_INLINE void tk_lstm_gates_s16(const int64_t *from_input, const int64_t *from_hidden, int32_t *gates,
                                 const tk_lstm_params *p)
{
    for (int32_t g = 0; g < TK_GATES; g++) {
        const int32_t a = tk_requantize_wide(from_input[g], p->input_multiplier[g], p->input_shift[g]);
        const int32_t b = tk_requantize_wide(from_hidden[g], p->recurrent_multiplier[g], p->recurrent_shift[g]);
        gates[g] = 3 * tk_limited_s16(tk_limited_s16(a) + tk_limited_s16(b));
    }
}

/* As tk_lstm_s8(), without zero points.
 *
 * in:               int16 [steps][in_c]
 * input_filter:     int8 [units][4][in_c]
 * bias:             int64 [units][4]
 * recurrent_filter: int8 [units][4][units]
 * table:            uint16 [256], of tk_sigmoid_between()
 * hidden, cell:     int16 [units], state
 * out:              int16 [steps][units]; must not overlap in */
TK_KERNEL void tk_lstm_s16(const int16_t *in, const int8_t *input_filter, const int64_t *bias,
                           const int8_t *recurrent_filter, const uint16_t *table, int16_t *hidden, int16_t *cell,
                           int16_t *out, const tk_lstm_params *p)
{
    for (int32_t t = 0; t < p->steps; t++) {
        for (int32_t n = 0; n < p->units; n++) {
            const int64_t *b = bias + n * TK_GATES;
            int64_t from_input[TK_GATES] = {b[0], b[1], b[2], b[3]}, from_hidden[TK_GATES] = {0, 0, 0, 0};
            int32_t gates[TK_GATES];
            tk_four_rows_wide_s16(input_filter + n * TK_GATES * p->in_c, p->in_c, in, p->in_c, from_input);
            tk_four_rows_wide_s16(recurrent_filter + n * TK_GATES * p->units, p->units, hidden, p->units,
                                  from_hidden);
            tk_lstm_gates_s16(from_input, from_hidden, gates, p);
            out[n] = (int16_t)tk_limited_s16(tk_lstm_moved(gates, table, cell + n, p));
        }
        memcpy(hidden, out, sizeof(int16_t) * (size_t)p->units);
        in += p->in_c;
        out += p->units;
    }
}

#endif
