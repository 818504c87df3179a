/* Any function of one int8, for Helium: 16 look-ups at a time. */
#ifndef TK_TABLE_HELIUM_H
#define TK_TABLE_HELIUM_H

#include "tk_table.h"

#include <arm_mve.h>

/* By gather loads: in[i] + 128, as an unsigned byte, is in[i] with its sign bit turned over. */
TK_INLINE void tk_helium_look_up(const int8_t *in, const void *table, void *out, int32_t count)
{
    __asm__ volatile("dlstp.8 lr, %[count]\n"
                     "1:\n\t"
                     "vldrb.u8 q0, [%[in]], #16\n\t"
                     "veor q0, q0, %q[sign]\n\t"
                     "vldrb.u8 q1, [%[table], q0]\n\t"
                     "vstrb.8 q1, [%[out]], #16\n\t"
                     "letp lr, 1b"
                     : [in] "+r"(in), [out] "+r"(out)
                     : [table] "r"(table), [count] "r"(count), [sign] "w"(vdupq_n_u8(0x80))
                     : "lr", "q0", "q1", "memory", "cc");
}

/* tk_table_s8(), with the same arguments. */
TK_KERNEL void tk_table_s8_helium(const int8_t *in, const int8_t *table, int8_t *out, const tk_table_params *p)
{
    tk_helium_look_up(in, table, out, p->count);
}

/* tk_table_s8_u8(), with the same arguments. */
TK_KERNEL void tk_table_s8_u8_helium(const int8_t *in, const uint8_t *table, uint8_t *out, const tk_table_params *p)
{
    tk_helium_look_up(in, table, out, p->count);
}

#endif
