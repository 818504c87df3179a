/* A stream's newest rows, in order: old ones move out at the front, new ones in at the end. */
#ifndef TK_STREAM_H
#define TK_STREAM_H

#include "tk_common.h"

typedef struct {
    int32_t keep; /* bytes of the rows that stay */
    int32_t add;  /* bytes of the rows that come: so far down the old ones move */
} tk_stream_push_params;

/* Moves the newest rows to the front of their buffer.
 *
 * rows: int8 [keep + add], 4-byte aligned
 * memmove() would do, but small C libraries move byte by byte. Four words are read before any is written, and reads
 * are ahead of writes, so the overlap does no harm. */
TK_KERNEL void tk_stream_keep_s8(int8_t *rows, const tk_stream_push_params *p)
{
    const int8_t *from = rows + p->add;
    int8_t *to = rows;
    int32_t left = p->keep;
    if (p->add % 4 == 0) {
        TK_ROLLED
        for (; left >= 16; left -= 16, from += 16, to += 16) {
            const uint32_t *const a = (const uint32_t *)(const void *)from;
            uint32_t *const b = (uint32_t *)(void *)to;
            const uint32_t v0 = a[0], v1 = a[1], v2 = a[2], v3 = a[3];
            b[0] = v0;
            b[1] = v1;
            b[2] = v2;
            b[3] = v3;
        }
    }
    TK_ROLLED
    for (; left > 0; left--) {
        *to++ = *from++;
    }
}

/* The same, then the next rows behind them.
 *
 * in: int8 [add] */
TK_KERNEL void tk_stream_push_s8(int8_t *rows, const int8_t *in, const tk_stream_push_params *p)
{
    tk_stream_keep_s8(rows, p);
    memcpy(rows + p->keep, in, (size_t)p->add);
}

#endif
