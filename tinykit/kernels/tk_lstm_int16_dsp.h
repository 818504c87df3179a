/* A recurrent layer with long short-term memory, int16 activations, for the Arm DSP extension. */
#ifndef TK_LSTM_INT16_DSP_H
#define TK_LSTM_INT16_DSP_H

#include "tk_dsp_int16.h"
#include "tk_lstm_int16.h"

/* in, table, hidden, cell, out: of tk_lstm_s16()
 * input_packed:     uint32, for each unit its gates in the order of tk_lstm_s8(): what tk_dsp_four_rows_s16() takes
 * recurrent_packed: uint32, the same for the hidden state
 * Multipliers of the gates are those of tk_high_mul_rounded(); their shifts are not used. */
TK_KERNEL void tk_lstm_s16_dsp(const int16_t *in, const uint32_t *input_packed, const uint32_t *recurrent_packed,
                               const uint16_t *table, int16_t *hidden, int16_t *cell, int16_t *out,
                               const tk_lstm_params *p)
{
    for (int32_t t = 0; t < p->steps; t++) {
        const uint32_t *input_rows = input_packed, *recurrent_rows = recurrent_packed;
        for (int32_t n = 0; n < p->units; n++) {
            int32_t from_input[TK_GATES], from_hidden[TK_GATES], gates[TK_GATES];
            input_rows = tk_dsp_four_rows_s16(input_rows, in, p->in_c, from_input);
            recurrent_rows = tk_dsp_four_rows_s16(recurrent_rows, hidden, p->units, from_hidden);
            for (int32_t g = 0; g < TK_GATES; g++) {
                const int32_t a = tk_ssat16(tk_smmulr(from_input[g], p->input_multiplier[g]));
                const int32_t b = tk_ssat16(tk_smmulr(from_hidden[g], p->recurrent_multiplier[g]));
                gates[g] = 3 * tk_ssat16(a + b);
            }
            out[n] = (int16_t)tk_limited_s16(tk_lstm_moved(gates, table, cell + n, p));
        }
        memcpy(hidden, out, sizeof(int16_t) * (size_t)p->units);
        in += p->in_c;
        out += p->units;
    }
}

#endif
