/* What each command of tk_wire.h does. A handler gets a payload whose length fits the wire table,
 * appends its reply (tk_frame.h) and returns a status. */
#ifndef TK_COMMANDS_H
#define TK_COMMANDS_H

#include <stdint.h>

#include "tk_wire.h"

/* tk_handle_hello(), tk_handle_tensor() and so on. */
#define TK_COMMANDS_DECLARE(name, code, bytes, data) \
    uint8_t tk_handle_##name(const uint8_t *request, uint32_t length);
TK_COMMANDS(TK_COMMANDS_DECLARE)
#undef TK_COMMANDS_DECLARE

/* The front end to its start, its cost to zero. */
void tk_commands_reset_audio(void);

/* The enhancer likewise. */
void tk_commands_reset_enhancer(void);

#endif
