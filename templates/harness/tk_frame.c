#include "tk_frame.h"

#include <string.h>

#include "tk_cobs.h"
#include "tk_crc.h"

static uint8_t reply[TK_WIRE_BODY_MAX];
static uint32_t reply_length;

uint16_t tk_get_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

uint32_t tk_get_u32(const uint8_t *at)
{
    return tk_get_u16(at) | (uint32_t)tk_get_u16(at + 2) << 16;
}

void tk_get_samples(const uint8_t *at, uint32_t count, int16_t *samples)
{
    for (uint32_t n = 0; n < count; n++) {
        const uint16_t bits = tk_get_u16(at + 2 * n);

        samples[n] = (int16_t)(bits < 0x8000u ? bits : (int32_t)bits - 0x10000);
    }
}

static void put_u32(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
    at[2] = (uint8_t)(value >> 16);
    at[3] = (uint8_t)(value >> 24);
}

void tk_reply_begin(uint8_t sequence, uint8_t command)
{
    reply[0] = sequence;
    reply[1] = (uint8_t)(command | TK_WIRE_REPLY);
    reply_length = TK_WIRE_HEADER_BYTES;
}

void tk_reply_data(const void *data, uint32_t count)
{
    if (count > TK_WIRE_BODY_MAX - TK_WIRE_CRC_BYTES - reply_length) {
        return; /* the wire table's limits make this impossible; a reply cut short is refused */
    }
    memcpy(reply + reply_length, data, count);
    reply_length += count;
}

void tk_reply_u32(uint32_t value)
{
    uint8_t bytes[4];

    put_u32(bytes, value);
    tk_reply_data(bytes, 4);
}

void tk_reply_u8(uint32_t value)
{
    uint8_t byte = (uint8_t)value;

    tk_reply_data(&byte, 1);
}

void tk_reply_u16(uint32_t value)
{
    tk_reply_u8(value & 255u);
    tk_reply_u8(value >> 8);
}

void tk_reply_u64(uint64_t value)
{
    tk_reply_u32((uint32_t)value);
    tk_reply_u32((uint32_t)(value >> 32));
}

void tk_reply_text(const char *text, uint32_t most)
{
    uint32_t length = (uint32_t)strlen(text);

    if (length > most) {
        length = most;
    }
    tk_reply_u8(length);
    tk_reply_data(text, length);
}

void tk_reply_end(uint8_t status)
{
    reply[2] = status;
    if (status != TK_STATUS_OK) {
        reply_length = TK_WIRE_HEADER_BYTES;
    }
    put_u32(reply + reply_length, tk_crc32(0, reply, reply_length));
    reply_length += TK_WIRE_CRC_BYTES;
}

void tk_reply_send(void)
{
    tk_cobs_write(reply, reply_length);
}

void tk_reply_refuse(uint8_t status)
{
    uint8_t frame[TK_WIRE_HEADER_BYTES + TK_WIRE_CRC_BYTES] = {0, TK_WIRE_REPLY, status};

    put_u32(frame + TK_WIRE_HEADER_BYTES, tk_crc32(0, frame, TK_WIRE_HEADER_BYTES));
    tk_cobs_write(frame, sizeof frame);
}
