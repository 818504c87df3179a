/* The serial test harness: framing, repeats, sessions and lengths, done once for all commands. */
#include "tk_harness.h"

#include "tk_cobs.h"
#include "tk_commands.h"
#include "tk_crc.h"
#include "tk_frame.h"
#include "tk_hal.h"

static tk_cobs_decoder decoder;
static uint32_t last_crc; /* of the request that the kept reply answers */
static int session;       /* between hello and bye; outside there is no last request */

#define ROW(name, code, bytes, data) {tk_handle_##name, bytes, code, data},
static const struct {
    uint8_t (*handle)(const uint8_t *request, uint32_t length);
    uint16_t bytes; /* of the request's fields */
    uint8_t code;
    uint8_t data; /* whether more bytes may follow the fields */
} commands[] = {TK_COMMANDS(ROW)};

/* Do what a request asks for. */
static uint8_t execute(uint8_t code, const uint8_t *request, uint32_t length)
{
    for (uint32_t i = 0; i < sizeof commands / sizeof commands[0]; i++) {
        if (commands[i].code != code) {
            continue;
        }
        if (!session && code != TK_COMMAND_HELLO) {
            return TK_STATUS_NO_SESSION;
        }
        if (length < commands[i].bytes || (length > commands[i].bytes && !commands[i].data)) {
            return TK_STATUS_BAD_LENGTH;
        }
        return commands[i].handle(request, length);
    }
    return TK_STATUS_UNKNOWN_COMMAND;
}

/* Answer a request, or give the last answer again; `crc` covers the sequence number. */
static void answer(const uint8_t *body, uint32_t length, uint32_t crc)
{
    const uint8_t code = body[1];
    uint8_t status;

    if (session && crc == last_crc) {
        tk_reply_send();
        return;
    }
    tk_reply_begin(body[0], code);
    status = execute(code, body + TK_WIRE_HEADER_BYTES, length - TK_WIRE_HEADER_BYTES);
    tk_reply_end(status);
    tk_reply_send();
    last_crc = crc;
    if (status != TK_STATUS_OK) {
        return;
    }
    if (code == TK_COMMAND_HELLO) {
        session = 1;
    } else if (code == TK_COMMAND_BYE) {
        session = 0;
    } else if (code == TK_COMMAND_REBOOT) {
        tk_hal_reboot();
    }
}

static void receive(const uint8_t *body, uint32_t length)
{
    uint32_t crc;

    if (length < TK_WIRE_HEADER_BYTES + TK_WIRE_CRC_BYTES) {
        tk_reply_refuse(TK_STATUS_BAD_FRAME);
        return;
    }
    length -= TK_WIRE_CRC_BYTES;
    crc = tk_get_u32(body + length);
    if (crc != tk_crc32(0, body, length)) {
        tk_reply_refuse(TK_STATUS_BAD_CRC);
    } else if ((body[1] & TK_WIRE_REPLY) == 0u) { /* not our own reply, echoed by the line */
        answer(body, length, crc);
    }
}

void tk_harness_byte(uint8_t byte)
{
    switch (tk_cobs_decode(&decoder, byte)) {
    case TK_COBS_FRAME:
        receive(decoder.body, decoder.length);
        break;
    case TK_COBS_BAD:
        tk_reply_refuse(TK_STATUS_BAD_FRAME);
        break;
    case TK_COBS_MORE:
        break;
    }
}

int tk_harness_session(void)
{
    return session;
}

void tk_harness_poll(void)
{
    int byte;

    while ((byte = tk_hal_read()) >= 0) {
        tk_harness_byte((uint8_t)byte);
    }
    tk_hal_idle();
}

void tk_harness_run(void)
{
    for (;;) {
        tk_harness_poll();
    }
}
