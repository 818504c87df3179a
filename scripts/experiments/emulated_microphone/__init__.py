"""Let an emulated Cortex-M hear a long recording as it would hear a microphone, not over serial.

The project's firmware as `tinykit generate` wrote it, but for the two files of the application that
are its owner's: `microphone.c` reads a file of the host by semihosting, and `main.c` writes each
detection to another. Front end, model, listener, HAL, flags and linker script are the project's. A
serial port carries 10 to 25 kB/s in QEMU, so hours of audio take hours; this takes minutes.
"""

from __future__ import annotations

import shutil
import struct
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tinykit.audio.decision import Detection
from tinykit.errors import DeviceError
from tinykit.firmware import build as builder
from tinykit.project import Project

HERE = Path(__file__).parent
RECORD = struct.Struct("<IIi")


def hear(project: Project, audio: NDArray[np.int16], limit_s: float = 3600.0) -> list[Detection]:
    """Return what the emulated board reports over `audio`, int16 (samples,).

    Raises
    ------
    DeviceError
        When the program does not end, or not well.
    """
    board = project.board
    assert board.emulator is not None and board.processor.architecture is not None
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        firmware = folder / "firmware"
        shutil.copytree(
            project.folder / "firmware", firmware, ignore=shutil.ignore_patterns(".pio")
        )
        for name in ("main.c", "microphone.c", "semihosting.h"):
            shutil.copy(HERE / name, firmware / "src")
        elf = builder.build(firmware, board).elf
        (folder / "audio.raw").write_bytes(np.ascontiguousarray(audio, "<i2").tobytes())
        command = [board.processor.architecture.qemu, "-machine", board.emulator.machine]
        command += ["-display", "none", "-monitor", "none", "-serial", "none"]
        command += ["-semihosting-config", "enable=on,target=native", "-kernel", str(elf)]
        try:
            done = subprocess.run(
                command, cwd=folder, timeout=limit_s, capture_output=True, text=True
            )
        except subprocess.TimeoutExpired:
            raise DeviceError(f"{board.id}: not through the recording in {limit_s:g} s") from None
        if done.returncode:
            raise DeviceError(f"{board.id}: QEMU ended with {done.returncode}: {done.stderr}")
        raw = (folder / "detections.bin").read_bytes()
    return [Detection(*record) for record in RECORD.iter_unpack(raw)]
