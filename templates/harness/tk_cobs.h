/* Consistent overhead byte stuffing: frames without zeros, between zeros. */
#ifndef TK_COBS_H
#define TK_COBS_H

#include <stdint.h>

#include "tk_wire.h"

/* Decodes byte by byte, so that the encoded frame is never stored. All zero: ready. */
typedef struct {
    uint8_t body[TK_WIRE_BODY_MAX];
    uint32_t length;   /* bytes in `body` */
    uint8_t run;       /* bytes left before the next code byte */
    uint8_t zero_next; /* a zero stands between this run and the next */
    uint8_t started;   /* a code byte has come */
    uint8_t too_long;  /* the frame does not fit; wait for its end */
} tk_cobs_decoder;

typedef enum {
    TK_COBS_MORE,  /* the frame goes on, or there is none */
    TK_COBS_FRAME, /* `body` and `length` hold a frame, until the next byte */
    TK_COBS_BAD    /* a frame ended that is cut off or too long */
} tk_cobs_event;

tk_cobs_event tk_cobs_decode(tk_cobs_decoder *decoder, uint8_t byte);

/* Write zero, encoded `data`, zero with tk_hal_write(). */
void tk_cobs_write(const uint8_t *data, uint32_t count);

#endif
