/* Logistic and tanh of int16 values, by a table with linear interpolation, as TensorFlow Lite Micro does it. */
#ifndef TK_SIGMOID16_H
#define TK_SIGMOID16_H

#include "tk_common.h"

/* The table at magnitude * 2^-bits, that many bits finer than its entries; outside when beyond the last.
 *
 * table: uint16 [256], 65536 * logistic(i / 24) */
TK_INLINE int32_t tk_sigmoid_between(int32_t magnitude, int32_t bits, int32_t outside, const uint16_t *table)
{
    const int32_t index = magnitude >> bits;
    if (index >= 255) {
        return outside;
    }
    const int32_t low = table[index];
    return (low << bits) + (magnitude & ((1 << bits) - 1)) * (table[index + 1] - low);
}

/* 2^15 * logistic(x), 0..32767.  tripled: 3 x with 12 fraction bits. */
TK_INLINE int32_t tk_logistic_s16(int32_t tripled, const uint16_t *table)
{
    const int32_t v = tk_sigmoid_between(tripled < 0 ? -tripled : tripled, 9, 0x7FFF << 10, table);
    return (tripled >= 0 ? v + (1 << 9) : (1 << 25) - v + (1 << 9) - 1) >> 10;
}

/* 2^15 * tanh(x), -32768..32767, from tanh(x) = 2 logistic(2 x) - 1.  tripled: 3 x with 12 fraction bits. */
TK_INLINE int32_t tk_tanh_s16(int32_t tripled, const uint16_t *table)
{
    const int32_t v = tk_sigmoid_between(tripled < 0 ? -tripled : tripled, 8, 0xFFFF << 8, table) - (1 << 23);
    return (tripled >= 0 ? v + (1 << 7) : -v + (1 << 7) - 1) >> 8;
}

#endif
