/* The serial protocol's codes and limits. Rendered from tinykit/device/wire.py by
 * scripts/render_wire.py: do not edit. Described in docs/serial-protocol.md. */
#ifndef TK_WIRE_H
#define TK_WIRE_H

#define TK_WIRE_VERSION 1
#define TK_WIRE_CHUNK_BYTES 256
#define TK_WIRE_PAYLOAD_MAX 264
#define TK_WIRE_HEADER_BYTES 3
#define TK_WIRE_CRC_BYTES 4
#define TK_WIRE_BODY_MAX 271
#define TK_WIRE_REPLY 0x80

/* Statuses of a reply. */
#define TK_STATUS_OK 0 /* done */
#define TK_STATUS_BAD_FRAME 1 /* the frame is not valid COBS, or too short or too long */
#define TK_STATUS_BAD_CRC 2 /* the CRC does not match: bytes were corrupted on the way */
#define TK_STATUS_NO_SESSION 3 /* no `hello` since the device started: it was reset */
#define TK_STATUS_UNKNOWN_COMMAND 4 /* this firmware does not know the command */
#define TK_STATUS_BAD_LENGTH 5 /* the payload is shorter or longer than the command's fields */
#define TK_STATUS_OUT_OF_RANGE 6 /* index, offset, length or count lies outside what this model has */
#define TK_STATUS_UNSUPPORTED 7 /* this firmware was built without that part (front end or trace) */

/* Spaces of `tensor` and `read`. */
#define TK_SPACE_INPUT 0 /* an input of the model */
#define TK_SPACE_OUTPUT 1 /* an output of the model */
#define TK_SPACE_TRACE 2 /* the output of an op at which `invoke_until` stopped (trace builds); index 0 */

/* Flags of the reply to `hello`. */
#define TK_FLAG_FEATURES 1 /* has the front end: `push_audio` and `features_cost` work */
#define TK_FLAG_TRACE 2 /* is a trace build: `trace` and `invoke_until` work */
#define TK_FLAG_LISTENER 4 /* decides on its own what it hears: `listen` works */
#define TK_FLAG_ENHANCER 8 /* enhances audio: `enhance` and `enhance_cost` work */

/* What the counter counts. */
#define TK_COUNTER_INSTRUCTIONS 0
#define TK_COUNTER_US 1

/* X(name, code, bytes of the request's fields, whether data may follow them) */
#define TK_COMMANDS(X) \
    X(hello, 0x01, 4, 0) \
    X(tensor, 0x02, 2, 0) \
    X(write, 0x03, 5, 1) \
    X(read, 0x04, 8, 0) \
    X(invoke, 0x05, 2, 0) \
    X(reset, 0x06, 0, 0) \
    X(push_audio, 0x07, 0, 1) \
    X(features_cost, 0x08, 0, 0) \
    X(trace, 0x09, 2, 0) \
    X(invoke_until, 0x0A, 3, 0) \
    X(reboot, 0x0B, 0, 0) \
    X(bye, 0x0C, 0, 0) \
    X(listen, 0x0D, 0, 1) \
    X(enhance, 0x0E, 0, 1) \
    X(enhance_cost, 0x0F, 0, 0)

#define TK_COMMAND_HELLO 0x01
#define TK_COMMAND_TENSOR 0x02
#define TK_COMMAND_WRITE 0x03
#define TK_COMMAND_READ 0x04
#define TK_COMMAND_INVOKE 0x05
#define TK_COMMAND_RESET 0x06
#define TK_COMMAND_PUSH_AUDIO 0x07
#define TK_COMMAND_FEATURES_COST 0x08
#define TK_COMMAND_TRACE 0x09
#define TK_COMMAND_INVOKE_UNTIL 0x0A
#define TK_COMMAND_REBOOT 0x0B
#define TK_COMMAND_BYE 0x0C
#define TK_COMMAND_LISTEN 0x0D
#define TK_COMMAND_ENHANCE 0x0E
#define TK_COMMAND_ENHANCE_COST 0x0F

/* Where the fields of a request start, and how long a text of a reply may be. */
#define TK_AT_HELLO_NONCE 0
#define TK_MOST_HELLO_MODEL_SHA256 64
#define TK_MOST_HELLO_BOARD 48
#define TK_MOST_HELLO_APP 48
#define TK_MOST_HELLO_BUILD 48
#define TK_AT_TENSOR_SPACE 0
#define TK_AT_TENSOR_INDEX 1
#define TK_AT_WRITE_INDEX 0
#define TK_AT_WRITE_OFFSET 1
#define TK_AT_WRITE_DATA 5
#define TK_AT_READ_SPACE 0
#define TK_AT_READ_INDEX 1
#define TK_AT_READ_OFFSET 2
#define TK_AT_READ_LENGTH 6
#define TK_AT_INVOKE_COUNT 0
#define TK_AT_PUSH_AUDIO_DATA 0
#define TK_AT_TRACE_POSITION 0
#define TK_AT_INVOKE_UNTIL_OP 0
#define TK_AT_INVOKE_UNTIL_OUTPUT 2
#define TK_AT_LISTEN_DATA 0
#define TK_AT_ENHANCE_DATA 0

#endif
