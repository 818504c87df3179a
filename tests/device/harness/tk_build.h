/* What firmware/generate.py renders: here for the host. */
#define TK_BUILD_BOARD "host"
#define TK_BUILD_APP "fake"
#define TK_BUILD_HASH "0123456789abcdef"
#ifndef TK_BUILD_COUNTER_UNIT
#define TK_BUILD_COUNTER_UNIT TK_COUNTER_INSTRUCTIONS
#define TK_BUILD_COUNTER_NUMERATOR 1
#define TK_BUILD_COUNTER_DENOMINATOR 1
#endif
#ifndef TK_BUILD_LISTENER
#define TK_BUILD_LISTENER 0
#endif
#ifndef TK_BUILD_ENHANCER
#define TK_BUILD_ENHANCER 1
#endif
#ifndef TK_BUILD_FEATURES
#define TK_BUILD_FEATURES 1
#endif
