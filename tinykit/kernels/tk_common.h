/* What every kernel needs.
 *
 * A kernel is a `static inline` function whose last argument points to a const struct. It is always inlined: where
 * the struct holds literals, every loop bound, stride and zero point is a constant there, and the compiler unrolls,
 * folds and drops what the shape does not need. The generated code decides how many such copies there are.
 *
 * Kernels use no libc but memcpy and memset, no floating point, and no memory but what is passed to them. */
#ifndef TK_COMMON_H
#define TK_COMMON_H

#include <stdint.h>
#include <string.h>

#define TK_KERNEL static inline __attribute__((always_inline))

/* For the small functions inside a kernel: never worth a call. */
#define TK_INLINE static inline __attribute__((always_inline))

/* Before a loop that runs so seldom that unrolling it wastes flash, or that the compiler unrolls too far. */
#define TK_ROLLED _Pragma("GCC unroll 1")

/* Before an inner loop whose own instructions cost as much as its body. */
#define TK_UNROLLED _Pragma("GCC unroll 4")

#define TK_NOINLINE __attribute__((noinline))
#define TK_ALIGNED(bytes) __attribute__((aligned(bytes)))

/* The same address, but the compiler cannot tell of which array. gcc 12 writes the address in a loop that reads and
 * writes one array as a multiple of that array's, no longer knows what is written there, takes the function for one
 * without effect and drops the call (tests/compiler/test_arena_addresses.py). */
TK_INLINE int8_t *tk_address(int8_t *address)
{
    __asm__("" : "+r"(address));
    return address;
}

/* The value of v limited to low..high. */
TK_INLINE int32_t tk_clamp(int32_t v, int32_t low, int32_t high)
{
    v = v < low ? low : v;
    return v > high ? high : v;
}

#endif
