/* An enhancer that gives a hop of 50 samples back upside down, one hop late. */
#ifndef TK_ENHANCER_H
#define TK_ENHANCER_H

#include <stdint.h>

void tk_enhancer_reset(void);
uint32_t tk_enhancer_exchange(const int16_t *samples, uint32_t count, int16_t *enhanced);
int tk_enhancer_due(void);
void tk_enhancer_analyse(void);
void tk_enhancer_infer(void);
void tk_enhancer_synthesize(void);

#endif
