"""The Arduino hardware layer, never run by us: it compiles, and calls what it should call."""

from __future__ import annotations

import subprocess

import pytest
import tiny_model

from tinykit import board
from tinykit.firmware.generate import render

pytestmark = pytest.mark.host

ARDUINO = """\
#pragma once
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

// The part of Arduino's API that the HAL uses, over stdin and stdout.
struct HardwareSerial {
    std::string waiting;
    unsigned long baud = 0;
    void begin(unsigned long rate) { baud = rate; }
    int available() { return (int)waiting.size(); }
    int read()
    {
        if (waiting.empty()) return -1;
        int byte = (unsigned char)waiting[0];
        waiting.erase(0, 1);
        return byte;
    }
    size_t write(const uint8_t *data, size_t count) { return fwrite(data, 1, count, stdout); }
    void flush() { fflush(stdout); }
};
inline HardwareSerial Serial;
inline unsigned long micros() { return 42; }
inline void yield() {}
inline void NVIC_SystemReset() { puts("reset"); }
"""

MAIN = """\
#include <Arduino.h>
#include <cstdlib>
#include "tk_app.h"
#include "tk_hal.h"
#include "tk_stack.h"

void setup();
void loop();

extern "C" void tk_app_setup(void) { tk_hal_init(); }
extern "C" void tk_app_loop(void)
{
    int byte = tk_hal_read();
    if (byte < 0) {
        tk_hal_idle();
        tk_hal_reboot();
        exit(tk_stack_used() == TK_STACK_UNKNOWN && tk_hal_counter() == 42 ? 0 : 1);
    }
    uint8_t back = (uint8_t)byte;
    tk_hal_write(&back, 1);
}

int main()
{
    setup();
    if (Serial.baud != 115200) return 2;
    Serial.waiting = "a\\xffz";
    for (;;) loop();
}
"""


@pytest.mark.parametrize(
    "name", [n for n in board.ids() if board.find(n).hal.template == "arduino"]
)
def test_it_joins_the_application_to_an_arduino_core(tmp_path, name):
    """setup() and loop() reach the application; bytes go in and out, -1 when there is none."""
    render(tiny_model.tensors_only(name), tmp_path)
    (tmp_path / "Arduino.h").write_text(ARDUINO)
    (tmp_path / "main.cpp").write_text(MAIN)
    program = tmp_path / "program"
    folders = (tmp_path, tmp_path / "include", tmp_path / "boards" / name)
    subprocess.run(
        [
            *("g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", "-o", str(program)),
            *(f"-I{folder}" for folder in folders),
            *(str(tmp_path / "src/hal/arduino/hal.cpp"), str(tmp_path / "main.cpp")),
        ],
        check=True,
    )
    done = subprocess.run([program], capture_output=True, timeout=20, check=True)
    assert done.stdout == b"a\xffzreset\n"
