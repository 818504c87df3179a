/* Requests and replies: reading fields, building the reply, sending it. */
#ifndef TK_FRAME_H
#define TK_FRAME_H

#include <stdint.h>

#include "tk_wire.h"

uint16_t tk_get_u16(const uint8_t *at);
uint32_t tk_get_u32(const uint8_t *at);
void tk_get_samples(const uint8_t *at, uint32_t count, int16_t *samples);

/* One reply. It is kept until the next one begins, so that it can be sent again. */
void tk_reply_begin(uint8_t sequence, uint8_t command);
void tk_reply_u8(uint32_t value);
void tk_reply_u16(uint32_t value);
void tk_reply_u32(uint32_t value);
void tk_reply_u64(uint64_t value);
void tk_reply_text(const char *text, uint32_t most); /* cut to `most` bytes */
void tk_reply_data(const void *data, uint32_t count);
void tk_reply_end(uint8_t status); /* any status but OK drops the payload */
void tk_reply_send(void);

/* Refuse what could not be read; leaves the kept reply alone. */
void tk_reply_refuse(uint8_t status);

#endif
