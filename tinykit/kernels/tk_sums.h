/* Layers over a whole image, made stripe by stripe: 32-bit sums that grow, then become outputs. */
#ifndef TK_SUMS_H
#define TK_SUMS_H

#include "tk_requantize.h"

typedef struct {
    int32_t count;
} tk_start_sums_params;

/* start: int32 [count], the biases
 * sums:  int32 [count] */
TK_KERNEL void tk_start_sums(const int32_t *start, int32_t *sums, const tk_start_sums_params *p)
{
    memcpy(sums, start, (size_t)p->count * sizeof *sums);
}

typedef struct {
    int32_t in_c, out_c;
} tk_matrix_sums_params;

/* sums[r] += sum of filter[r][k] * in[k]
 *
 * in:     int8 [in_c]
 * filter: int8 [out_c][in_c]
 * sums:   int32 [out_c] */
TK_KERNEL void tk_matrix_sums_s8(const int8_t *in, const int8_t *filter, int32_t *sums, const tk_matrix_sums_params *p)
{
    TK_ROLLED
    for (int32_t r = 0; r < p->out_c; r++) {
        int32_t sum = sums[r];
        TK_UNROLLED
        for (int32_t k = 0; k < p->in_c; k++) {
            sum += in[k] * filter[k];
        }
        sums[r] = sum;
        filter += p->in_c;
    }
}

typedef struct {
    int32_t pixels, channels;
} tk_channel_sums_params;

/* sums[c] += sum of in[p][c]
 *
 * in:   int8 [pixels][channels]
 * sums: int32 [channels] */
TK_KERNEL void tk_channel_sums_s8(const int8_t *in, int32_t *sums, const tk_channel_sums_params *p)
{
    TK_ROLLED
    for (int32_t c = 0; c < p->channels; c++) {
        int32_t sum = sums[c];
        TK_UNROLLED
        for (int32_t i = 0; i < p->pixels; i++) {
            sum += in[i * p->channels + c];
        }
        sums[c] = sum;
    }
}

typedef struct {
    int32_t count;
    int32_t per_channel; /* 1: a scale for each output, 0: one for all */
    tk_output to;
} tk_scaled_sums_params;

/* sums:       int32 [count]
 * multiplier: int32 [count] or [1]
 * shift:      int8 [count] or [1], to the right: 1..31, or -30..31 with to.any_shift
 * out:        int8 [count] */
TK_KERNEL void tk_scaled_sums_s8(const int32_t *sums, const int32_t *multiplier, const int8_t *shift, int8_t *out,
                                 const tk_scaled_sums_params *p)
{
    TK_ROLLED
    for (int32_t i = 0; i < p->count; i++) {
        const int32_t c = p->per_channel ? i : 0;
        out[i] = tk_output_s8(sums[i], multiplier[c], shift[c], &p->to);
    }
}

typedef struct {
    int32_t count, pixels;
    int32_t low, high; /* the fused activation, as output codes */
} tk_average_sums_params;

/* The mean of so many pixels, rounded half away from zero.
 *
 * sums: int32 [count]
 * out:  int8 [count] */
TK_KERNEL void tk_average_sums_s8(const int32_t *sums, int8_t *out, const tk_average_sums_params *p)
{
    TK_ROLLED
    for (int32_t i = 0; i < p->count; i++) {
        const int32_t half = sums[i] > 0 ? p->pixels / 2 : -(p->pixels / 2);
        out[i] = (int8_t)tk_clamp((sums[i] + half) / p->pixels, p->low, p->high);
    }
}

#endif
