/* Any function of one int8: activations, rescaling, squares, all by one table of 256 answers. */
#ifndef TK_TABLE_H
#define TK_TABLE_H

#include "tk_common.h"

typedef struct {
    int32_t count;
} tk_table_params;

TK_INLINE int8_t tk_table_element(int32_t v, const int8_t *table)
{
    return table[v + 128];
}

/* out[i] = table[in[i] + 128].  Works in place.
 *
 * in:    int8 [count]
 * table: int8 [256], the answer for -128 first
 * out:   int8 [count] */
TK_KERNEL void tk_table_s8(const int8_t *in, const int8_t *table, int8_t *out, const tk_table_params *p)
{
    for (int32_t i = 0; i < p->count; i++) {
        out[i] = tk_table_element(in[i], table);
    }
}

/* The same to uint8, as outputs of some models are. */
TK_KERNEL void tk_table_s8_u8(const int8_t *in, const uint8_t *table, uint8_t *out, const tk_table_params *p)
{
    for (int32_t i = 0; i < p->count; i++) {
        out[i] = table[in[i] + 128];
    }
}

/* The same from uint8, as inputs of some models are. The answers for 128..255 are first: the table is one of int8. */
TK_KERNEL void tk_table_u8_s8(const uint8_t *in, const int8_t *table, int8_t *out, const tk_table_params *p)
{
    for (int32_t i = 0; i < p->count; i++) {
        out[i] = table[in[i] ^ 128];
    }
}

#endif
