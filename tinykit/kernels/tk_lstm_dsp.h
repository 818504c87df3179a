/* The recurrent layer of tk_lstm.h for the Arm DSP extension: the four gates of a unit are four rows of a matrix. */
#ifndef TK_LSTM_DSP_H
#define TK_LSTM_DSP_H

#include "tk_lstm.h"
#include "tk_matvec_dsp.h"

typedef struct {
    tk_lstm_params lstm;
    int32_t input_chunk, recurrent_chunk; /* see tk_dsp_four_rows() */
} tk_lstm_dsp_params;

/* Half of twice_acc scaled, limited to 16 bits: tk_requantize_any() without 64-bit arithmetic.
 * shift: to the right; to the left only as far as twice_acc * 2^-shift fits 32 bits. */
TK_INLINE int32_t tk_lstm_scaled_doubled(int32_t twice_acc, int32_t multiplier, int32_t shift)
{
    if (shift < 1) {
        return tk_limited_s16(tk_smmlar((int32_t)((uint32_t)twice_acc << -shift), multiplier, 0));
    }
    /* rounded twice with the sign trick of tk_output_doubled_s8() */
    return tk_limited_s16(tk_smmlar(twice_acc, multiplier, (1 << (shift - 1)) + (twice_acc >> 31)) >> shift);
}

/* in, table, hidden, cell, out: of tk_lstm_s8()
 * input_packed:     uint32 [units][4 + in_c rounded up to a multiple of 4]: what tk_dsp_four_rows() takes, wide, the
 *                   gates in the order of tk_lstm_s8()
 * recurrent_packed: uint32 [units][4 + units rounded up to a multiple of 4]: the same for the hidden state
 * wide:             uint32, scratch: half as many words as both depths together */
TK_KERNEL void tk_lstm_s8_dsp(const int8_t *in, const uint32_t *input_packed, const uint32_t *recurrent_packed,
                              const uint16_t *table, uint32_t *wide, int8_t *hidden, int16_t *cell, int8_t *out,
                              const tk_lstm_dsp_params *p)
{
    const tk_lstm_params *const lstm = &p->lstm;
    uint32_t *const wide_hidden = wide + ((lstm->in_c + 3) & ~3) / 2;
    for (int32_t t = 0; t < lstm->steps; t++) {
        const uint32_t *input_rows = input_packed, *recurrent_rows = recurrent_packed;
        tk_dsp_widen_any(in, wide, lstm->in_c);
        tk_dsp_widen_any(hidden, wide_hidden, lstm->units);
        for (int32_t n = 0; n < lstm->units; n++) {
            int32_t from_input[TK_GATES], from_hidden[TK_GATES], gates[TK_GATES];
            input_rows = tk_dsp_four_rows(input_rows, wide, lstm->in_c, 1, p->input_chunk, from_input);
            recurrent_rows =
                tk_dsp_four_rows(recurrent_rows, wide_hidden, lstm->units, 1, p->recurrent_chunk, from_hidden);
            for (int32_t g = 0; g < TK_GATES; g++) {
                const int32_t a =
                    tk_lstm_scaled_doubled(from_input[g], lstm->input_multiplier[g], lstm->input_shift[g]);
                const int32_t b =
                    tk_lstm_scaled_doubled(from_hidden[g], lstm->recurrent_multiplier[g], lstm->recurrent_shift[g]);
                gates[g] = 3 * tk_limited_s16(a + b);
            }
            out[n] = tk_lstm_unit(gates, table, cell + n, lstm);
        }
        memcpy(hidden, out, (size_t)lstm->units);
        in += lstm->in_c;
        out += lstm->units;
    }
}

#endif
