/* The recurrent layer of tk_lstm.h for the Arm DSP extension: the four gates of a unit are four rows of a matrix. */
#ifndef TK_LSTM_DSP_H
#define TK_LSTM_DSP_H

#include "tk_lstm.h"
#include "tk_matvec_dsp.h"
#include "tk_sigmoid16_dsp.h"

typedef struct {
    tk_lstm_params lstm;
    int32_t input_chunk, recurrent_chunk;   /* of a tk_dsp_vector */
    int32_t input_chunks, recurrent_chunks; /* and how many of them */
} tk_lstm_dsp_params;

/* Half of twice_acc scaled, limited to 16 bits: tk_requantize_any() without 64-bit arithmetic.
 * shift: to the right; to the left only as far as twice_acc * 2^-shift fits 32 bits. */
TK_INLINE int32_t tk_lstm_scaled_doubled(int32_t twice_acc, int32_t multiplier, int32_t shift)
{
    if (shift < 1) {
        return tk_ssat16(tk_smmulr((int32_t)((uint32_t)twice_acc << -shift), multiplier));
    }
    /* rounded twice with the sign trick of tk_output_doubled_s8() */
    return tk_ssat16(tk_smmlar(twice_acc, multiplier, (1 << (shift - 1)) + (twice_acc >> 31)) >> shift);
}

/* Three times what a gate's function is applied to: see tk_lstm_gates(). */
TK_INLINE int32_t tk_lstm_gate_dsp(const int32_t *from_input, const int32_t *from_hidden, int32_t gate,
                                   const tk_lstm_params *p)
{
    const int32_t a = tk_lstm_scaled_doubled(from_input[gate], p->input_multiplier[gate], p->input_shift[gate]);
    const int32_t b =
        tk_lstm_scaled_doubled(from_hidden[gate], p->recurrent_multiplier[gate], p->recurrent_shift[gate]);
    return 3 * tk_ssat16(a + b);
}

/* A product of a gate with the cell or another gate, scaled: tk_requantize_any(product, 2^30, shift), rounded half up and
 * then half away from zero. The multiplier is 2^30, since the scales of the cell and of what the gates' functions give
 * are powers of two; both factors fit int16, and so does the result.
 * shift: 1..29 */
TK_INLINE int32_t tk_lstm_gated(int32_t product, int32_t shift)
{
    const int32_t half = (product + 1) >> 1;
    return (half + (half >> 31) + (1 << (shift - 1))) >> shift;
}

/* tk_lstm_unit(). */
TK_INLINE int8_t tk_lstm_unit_dsp(const int32_t *from_input, const int32_t *from_hidden, const uint16_t *table,
                                  int16_t *cell, const tk_lstm_params *p)
{
    const int32_t forget = tk_logistic_s16_dsp(tk_lstm_gate_dsp(from_input, from_hidden, TK_FORGET_GATE, p), table);
    const int32_t kept = tk_lstm_gated(forget * *cell, p->forget_cell.shift);
    const int32_t input = tk_logistic_s16_dsp(tk_lstm_gate_dsp(from_input, from_hidden, TK_INPUT_GATE, p), table);
    const int32_t fresh = tk_tanh_s16_dsp(tk_lstm_gate_dsp(from_input, from_hidden, TK_CELL_GATE, p), table);
    const int32_t added = tk_lstm_gated(input * fresh, p->input_cell.shift);
    const int32_t moved = tk_clamp(tk_ssat16(kept + added), -p->cell_limit, p->cell_limit);
    *cell = (int16_t)moved;

    const int32_t half = (1 << p->tanh_shift) >> 1;
    const int32_t tanh_of_cell = tk_tanh_s16_dsp((moved * p->tanh_multiplier + half) >> p->tanh_shift, table);
    const int32_t output = tk_logistic_s16_dsp(tk_lstm_gate_dsp(from_input, from_hidden, TK_OUTPUT_GATE, p), table);
    const int32_t product = tanh_of_cell * output; /* less than 2^30 in magnitude */
    if (p->hidden.shift >= 1 && p->hidden.shift <= 22) {
        const tk_output to = {p->zero_point, INT8_MIN, INT8_MAX, 0};
        const uint32_t shift_1 = (uint32_t)p->hidden.shift - 1;
        return tk_output_doubled_s8(2 * product, tk_dsp_scale_of((uint32_t)p->hidden.multiplier, shift_1, &to), &to);
    }
    return (int8_t)tk_clamp(tk_lstm_scaled(product, &p->hidden) + p->zero_point, INT8_MIN, INT8_MAX);
}

/* in, hidden, cell, out: of tk_lstm_s8()
 * packed:  uint32 [units][8 + in_c + units, both rounded up to multiples of 4]: what tk_dsp_four_rows() takes, wide, the
 *          gates in the order of tk_lstm_s8(): the input's weights, then the hidden state's
 * table:   of tk_logistic_s16_dsp()
 * scratch: uint32: half as many words as both depths together, input_chunks, recurrent_chunks */
TK_KERNEL void tk_lstm_s8_dsp(const int8_t *in, const uint32_t *packed, const uint16_t *table, uint32_t *scratch,
                              int8_t *hidden, int16_t *cell, int8_t *out, const tk_lstm_dsp_params *p)
{
    const tk_lstm_params *const lstm = &p->lstm;
    uint32_t *const wide_hidden = scratch + ((lstm->in_c + 3) & ~3) / 2;
    int32_t *const cross = (int32_t *)(wide_hidden + ((lstm->units + 3) & ~3) / 2);
    const tk_dsp_vector input_vector = {scratch, lstm->in_c, 1, p->input_chunk, cross};
    const tk_dsp_vector hidden_vector = {wide_hidden, lstm->units, 1, p->recurrent_chunk, cross + p->input_chunks};
    TK_ROLLED
    for (int32_t t = 0; t < lstm->steps; t++) {
        const uint32_t *q = packed;
        tk_dsp_widen_any(in, scratch, lstm->in_c);
        tk_dsp_widen_any(hidden, wide_hidden, lstm->units);
        tk_dsp_cross(&input_vector);
        tk_dsp_cross(&hidden_vector);
        TK_ROLLED
        for (int32_t n = 0; n < lstm->units; n++) {
            int32_t from_input[TK_GATES], from_hidden[TK_GATES];
            q = tk_dsp_four_rows(q, &input_vector, from_input);
            q = tk_dsp_four_rows(q, &hidden_vector, from_hidden);
            out[n] = tk_lstm_unit_dsp(from_input, from_hidden, table, cell + n, lstm);
        }
        memcpy(hidden, out, (size_t)lstm->units);
        in += lstm->in_c;
        out += lstm->units;
    }
}

#endif
