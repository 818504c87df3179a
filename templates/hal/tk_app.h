/* What the hardware layer calls: the application (src/main.c) defines both. */
#ifndef TK_APP_H
#define TK_APP_H

#ifdef __cplusplus
extern "C" {
#endif

/* Once, at the start. */
void tk_app_setup(void);

/* Over and over; returns often, never waits long. */
void tk_app_loop(void);

#ifdef __cplusplus
}
#endif

#endif
