#include "tk_cobs.h"

#include "tk_hal.h"

static void append(tk_cobs_decoder *decoder, uint8_t byte)
{
    if (decoder->length < TK_WIRE_BODY_MAX) {
        decoder->body[decoder->length++] = byte;
    } else {
        decoder->too_long = 1;
    }
}

static tk_cobs_event end(tk_cobs_decoder *decoder)
{
    tk_cobs_event event = TK_COBS_FRAME;

    if (!decoder->started) {
        event = TK_COBS_MORE; /* two zeros in a row */
    } else if (decoder->run > 0 || decoder->too_long) {
        event = TK_COBS_BAD;
    }
    decoder->run = 0;
    decoder->zero_next = 0;
    decoder->started = 0;
    decoder->too_long = 0;
    return event;
}

tk_cobs_event tk_cobs_decode(tk_cobs_decoder *decoder, uint8_t byte)
{
    if (byte == 0) {
        return end(decoder);
    }
    if (!decoder->started) {
        decoder->started = 1;
        decoder->length = 0;
    }
    if (decoder->run > 0) {
        append(decoder, byte);
        decoder->run--;
        return TK_COBS_MORE;
    }
    if (decoder->zero_next) {
        append(decoder, 0);
    }
    decoder->run = (uint8_t)(byte - 1u);
    decoder->zero_next = byte != 255;
    return TK_COBS_MORE;
}

void tk_cobs_write(const uint8_t *data, uint32_t count)
{
    static const uint8_t zero = 0;
    uint32_t at = 0;

    tk_hal_write(&zero, 1);
    for (;;) {
        uint32_t run = 0;
        uint8_t code;

        while (run < 254 && at + run < count && data[at + run] != 0) {
            run++;
        }
        code = (uint8_t)(run + 1u);
        tk_hal_write(&code, 1);
        tk_hal_write(data + at, run);
        at += run;
        if (at == count) {
            break;
        }
        if (run < 254) {
            at++; /* the zero that this run's code stands for; if it was the last, a run of none follows */
        }
    }
    tk_hal_write(&zero, 1);
}
