/* A recurrent layer with long short-term memory, int8 with an int16 cell, for Helium: the four gates are four lanes. */
#ifndef TK_LSTM_HELIUM_H
#define TK_LSTM_HELIUM_H

#include "tk_lstm.h"
#include "tk_matvec_helium.h"

/* Four sums scaled and limited to int16, in the even of eight lanes: tk_requantize_any() and tk_limited_s16().
 * Shifts to the left come before the product, saturated: what they cut off lies beyond int16 in any case. Only before a
 * shift to the right do negative values become one less. shift: -30..31, to the right */
TK_INLINE int16x8_t tk_helium_gate_products(int32x4_t sums, const int32_t *multiplier, const int32_t *shift)
{
    const int32x4_t any = vnegq_s32(vldrwq_s32(shift)), none = vdupq_n_s32(0);
    const int32x4_t left = vmaxq_s32(any, none), right = vminq_s32(any, none);
    int32x4_t v = vqrdmulhq_s32(vqshlq_s32(sums, left), vldrwq_s32(multiplier));
    v = vrshlq_s32(vaddq_s32(v, vshrq_n_s32(vandq_s32(v, right), 31)), right);
    return vqmovnbq_s32(vreinterpretq_s16_s32(v), v);
}

/* tk_lstm_s8(), with the same arguments. */
TK_KERNEL void tk_lstm_s8_helium(const int8_t *in, const int8_t *input_filter, const int32_t *input_bias,
                                 const int8_t *recurrent_filter, const int32_t *recurrent_bias, const uint16_t *table,
                                 int8_t *hidden, int16_t *cell, int8_t *out, const tk_lstm_params *p)
{
    TK_ROLLED
    for (int32_t t = 0; t < p->steps; t++, in += p->in_c, out += p->units) {
        TK_ROLLED
        for (int32_t n = 0; n < p->units; n++) {
            const int32_t row = n * TK_GATES;
            const int32x4_t from_input =
                tk_helium_four_rows(input_bias + row, input_filter + row * p->in_c, 3, in, p->in_c);
            const int32x4_t from_hidden =
                tk_helium_four_rows(recurrent_bias + row, recurrent_filter + row * p->units, 3, hidden, p->units);
            const int16x8_t sums =
                vqaddq_s16(tk_helium_gate_products(from_input, p->input_multiplier, p->input_shift),
                           tk_helium_gate_products(from_hidden, p->recurrent_multiplier, p->recurrent_shift));
            int32_t gates[TK_GATES];
            vstrwq_s32(gates, vmulq_n_s32(vmovlbq_s16(sums), 3)); /* see tk_lstm_gates() */
            out[n] = tk_lstm_unit(gates, table, cell + n, p);
        }
        tk_helium_copy(out, hidden, p->units);
    }
}

#endif
