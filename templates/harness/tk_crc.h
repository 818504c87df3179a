/* CRC-32 (IEEE 802.3, reflected), the same as zlib's crc32(). */
#ifndef TK_CRC_H
#define TK_CRC_H

#include <stdint.h>

/* CRC of `count` bytes that follow those which gave `crc`; start with 0. */
uint32_t tk_crc32(uint32_t crc, const void *data, uint32_t count);

#endif
