/* Resizing an image to the nearest neighbours. */
#ifndef TK_RESIZE_H
#define TK_RESIZE_H

#include "tk_common.h"

typedef struct {
    int32_t in_w, out_h, out_w, channels; /* in bytes, where they are wider than int8 */
} tk_resize_params;

/* rows:    int16 [out_h], the input row that each output row copies
 * columns: int16 [out_w]
 * in:      int8 [in_h][in_w][channels]
 * out:     int8 [out_h][out_w][channels]; must not overlap in */
TK_KERNEL void tk_resize_s8(const int8_t *in, const int16_t *rows, const int16_t *columns, int8_t *out,
                            const tk_resize_params *p)
{
    for (int32_t y = 0; y < p->out_h; y++) {
        const int8_t *row = in + rows[y] * p->in_w * p->channels;
        for (int32_t x = 0; x < p->out_w; x++) {
            memcpy(out, row + columns[x] * p->channels, (size_t)p->channels);
            out += p->channels;
        }
    }
}

#endif
