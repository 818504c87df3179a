/* Rows of an int8 matrix times int8 vectors, for Helium. */
#ifndef TK_MATVEC_HELIUM_H
#define TK_MATVEC_HELIUM_H

#include "tk_helium.h"

/* bias[r] + sum of rows[r][k] * x[k], for four rows: 10 instructions for 64 MACs.
 *
 * bias: int32 [4]
 * rows: int8 [4][depth]; depth is 1 or more. Rows from `last` on are read as copies of it
 * x:    int8 [depth] */
TK_INLINE int32x4_t tk_helium_four_rows(const int32_t *bias, const int8_t *rows, int32_t last, const int8_t *x,
                                        int32_t depth)
{
    const int8_t *row0 = rows, *row1 = rows + tk_clamp(last, 0, 1) * depth;
    const int8_t *row2 = rows + tk_clamp(last, 0, 2) * depth, *row3 = rows + tk_clamp(last, 0, 3) * depth;
    int32_t sum0 = bias[0], sum1 = bias[1], sum2 = bias[2], sum3 = bias[3];
    __asm__ volatile("dlstp.8 lr, %[depth]\n"
                     "1:\n\t"
                     "vldrb.8 q0, [%[x]], #16\n\t"
                     "vldrb.8 q1, [%[row0]], #16\n\t"
                     "vmladava.s8 %[sum0], q0, q1\n\t"
                     "vldrb.8 q2, [%[row1]], #16\n\t"
                     "vmladava.s8 %[sum1], q0, q2\n\t"
                     "vldrb.8 q1, [%[row2]], #16\n\t"
                     "vmladava.s8 %[sum2], q0, q1\n\t"
                     "vldrb.8 q2, [%[row3]], #16\n\t"
                     "vmladava.s8 %[sum3], q0, q2\n\t"
                     "letp lr, 1b"
                     : [sum0] "+Te"(sum0), [sum1] "+Te"(sum1), [sum2] "+Te"(sum2), [sum3] "+Te"(sum3), [x] "+r"(x),
                       [row0] "+r"(row0), [row1] "+r"(row1), [row2] "+r"(row2), [row3] "+r"(row3)
                     : [depth] "r"(depth)
                     : "lr", "q0", "q1", "q2", "memory", "cc");
    return tk_helium_four(sum0, sum1, sum2, sum3);
}

/* Lanes `low` and `high` of `sums` from two rows and three vectors: 12 instructions for 96 MACs. The core registers
 * that can hold a sum are the even ones; everything else of a pass has the odd ones. */
#define TK_HELIUM_HALF_BLOCK(low, high, constraint)                                                                 \
    __asm__ volatile("ldr r0, [%[x2], #4 * " low "]\n\t"                                                          \
                     "ldr r6, [%[x2], #4 * " high "]\n\t"                                                         \
                     "mov r2, r0\n\t"                                                                               \
                     "mov r4, r0\n\t"                                                                               \
                     "mov r8, r6\n\t"                                                                               \
                     "mov r10, r6\n\t"                                                                              \
                     "add %[x1], %[x0], lr\n\t"                                                                      \
                     "add %[x2], %[x1], lr\n\t"                                                                      \
                     "dlstp.8 lr, lr\n"                                                                             \
                     "1:\n\t"                                                                                       \
                     "vldrb.8 q0, [%[row0]], #16\n\t"                                                               \
                     "vldrb.8 q1, [%[x0]], #16\n\t"                                                                 \
                     "vmladava.s8 r0, q0, q1\n\t"                                                                   \
                     "vldrb.8 q2, [%[x1]], #16\n\t"                                                                 \
                     "vmladava.s8 r2, q0, q2\n\t"                                                                   \
                     "vldrb.8 q3, [%[x2]], #16\n\t"                                                                 \
                     "vmladava.s8 r4, q0, q3\n\t"                                                                   \
                     "vldrb.8 q0, [%[row1]], #16\n\t"                                                               \
                     "vmladava.s8 r6, q0, q1\n\t"                                                                   \
                     "vmladava.s8 r8, q0, q2\n\t"                                                                   \
                     "vmladava.s8 r10, q0, q3\n\t"                                                                  \
                     "letp lr, 1b\n\t"                                                                              \
                     "vmov %q[sum0][" high "], %q[sum0][" low "], r0, r6\n\t"                                       \
                     "vmov %q[sum1][" high "], %q[sum1][" low "], r2, r8\n\t"                                       \
                     "vmov %q[sum2][" high "], %q[sum2][" low "], r4, r10"                                           \
                     : [sum0] constraint(sums[0]), [sum1] constraint(sums[1]), [sum2] constraint(sums[2]),          \
                       [row0] "+r"(row0), [row1] "+r"(row1), [x0] "+r"(x0), [x1] "=&r"(x1), [x2] "+r"(x2),          \
                       "+r"(count)                                                                                  \
                     :                                                                                              \
                     : "r0", "r2", "r4", "r6", "r8", "r10", "q0", "q1", "q2", "q3", "memory", "cc")

/* sum + the products of a and b, int8 [depth], in C. */
TK_INLINE int32_t tk_helium_dot(int32_t sum, const int8_t *a, const int8_t *b, int32_t depth)
{
    for (int32_t k = 0; k < depth; k += 16) {
        const mve_pred16_t lanes = vctp8q((uint32_t)(depth - k));
        sum = vmladavaq_p_s8(sum, vldrbq_z_s8(a + k, lanes), vldrbq_z_s8(b + k, lanes), lanes);
    }
    return sum;
}

/* Half of the sums of four rows with three vectors, by vectors: lanes 0 and 2 with even = 1, then lanes 1 and 3.
 *
 * even: literal
 * bias: int32 [4]
 * rows: int8 [4][depth]; depth is 1 or more. Rows from `last` on are read as copies of it
 * x0:   int8 [3][depth] */
TK_INLINE void tk_helium_half_block(int32_t even, const int32_t *bias, const int8_t *rows, int32_t last,
                                    const int8_t *x0, int32_t depth, int32x4_t sums[3])
{
    const int8_t *row0 = even ? rows : rows + tk_clamp(last, 0, 1) * depth;
    const int8_t *row1 = rows + tk_clamp(last, 0, even ? 2 : 3) * depth;
#ifdef __OPTIMIZE__
    const int8_t *x1;
    const void *x2 = bias; /* until there are registers for both */
    register int32_t count __asm__("lr") = depth; /* there is no other register for it */
    if (even) {
        TK_HELIUM_HALF_BLOCK("0", "2", "=&w");
    } else {
        TK_HELIUM_HALF_BLOCK("1", "3", "+w");
    }
#else /* a build for the debugger keeps a register for itself */
    for (int32_t i = 0; i < 3; i++, x0 += depth) {
        const int32_t low = tk_helium_dot(bias[even ? 0 : 1], row0, x0, depth);
        const int32_t high = tk_helium_dot(bias[even ? 2 : 3], row1, x0, depth);
        sums[i] = even ? tk_helium_four(low, 0, high, 0)
                       : tk_helium_four(vgetq_lane_s32(sums[i], 0), low, vgetq_lane_s32(sums[i], 2), high);
    }
#endif
}

#endif
