// tk_hal.h for any board with an Arduino core: Serial is the port, micros() the counter.
#include <Arduino.h>

#include "tk_app.h"
#include "tk_board.h"
#include "tk_hal.h"
#include "tk_stack.h"

extern "C" {

void tk_hal_init(void)
{
    Serial.begin(TK_BOARD_BAUD);
}

int tk_hal_read(void)
{
    return Serial.available() > 0 ? Serial.read() : -1;
}

void tk_hal_write(const uint8_t *data, uint32_t count)
{
    Serial.write(data, count);
}

uint32_t tk_hal_counter(void)
{
    return (uint32_t)micros();
}

void tk_hal_idle(void)
{
    yield();  // the RTOS below some cores has its own idle task, which sleeps
}

void tk_hal_reboot(void)
{
    Serial.flush();
#if defined(ARDUINO_ARCH_ESP32)
    ESP.restart();
#else
    NVIC_SystemReset();
#endif
}

// Most Arduino cores run loop() in a task whose stack we neither know nor may paint.
void tk_stack_paint(void)
{
}

uint32_t tk_stack_used(void)
{
    return TK_STACK_UNKNOWN;
}

}  // extern "C"

void setup()
{
    tk_app_setup();
}

void loop()
{
    tk_app_loop();
}
