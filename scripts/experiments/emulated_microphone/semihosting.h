/* The few semihosting calls of a Cortex-M that are needed here. Call numbers and parameter blocks:
 * "Semihosting for AArch32 and AArch64", Arm. */
#ifndef SEMIHOSTING_H
#define SEMIHOSTING_H

#include <stdint.h>
#include <string.h>

#define SEMIHOSTING_READ 1u  /* fopen's "rb" */
#define SEMIHOSTING_WRITE 5u /* "wb" */

static inline int semihosting_call(uint32_t operation, const void *block)
{
    register uint32_t r0 __asm("r0") = operation;
    register const void *r1 __asm("r1") = block;

    __asm volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return (int)r0;
}

static inline int semihosting_open(const char *name, uint32_t mode)
{
    const uint32_t block[3] = {(uint32_t)name, mode, strlen(name)};

    return semihosting_call(0x01, block);
}

/* Returns how many bytes were read; 0 at the end of the file, or when it is not there. */
static inline uint32_t semihosting_read(int file, void *data, uint32_t bytes)
{
    const uint32_t block[3] = {(uint32_t)file, (uint32_t)data, bytes};
    const int left = semihosting_call(0x06, block); /* bytes that were not read */

    return left < 0 ? 0 : bytes - (uint32_t)left;
}

static inline void semihosting_write(int file, const void *data, uint32_t bytes)
{
    const uint32_t block[3] = {(uint32_t)file, (uint32_t)data, bytes};

    semihosting_call(0x05, block);
}

static inline void semihosting_exit(void)
{
    semihosting_call(0x18, (const void *)0x20026u); /* the application ended well */
}

#endif
