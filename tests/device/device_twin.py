"""One small model, twice: as a `FakeDevice`, and in the C harness as a host program."""

from __future__ import annotations

import os
import select
import subprocess
from pathlib import Path
from typing import Protocol

import numpy as np

from tinykit.device.fake import FakeDevice

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = Path(__file__).parent / "harness"
INCLUDES = (SOURCES, ROOT / "templates" / "hal", ROOT / "templates" / "harness")
STRICT = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Werror")
SANITIZE = ("-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all")

INPUTS, OUTPUTS = (300, 3), (280, 2)
FRAMES, WIDTH, WINDOW, HOP = 100, 3, 60, 40
ENHANCED_HOP = 50
SHA256 = "00112233445566778899aabbccddeeff" * 2


def model(inputs: list[bytes]) -> list[tuple[int, bytes]]:
    """Compute what tests/device/harness/tk_model.c computes right after a reset."""
    x, key = (np.frombuffer(data, np.uint8) for data in inputs)
    mixed = x ^ np.resize(key, 300)
    sums = mixed.reshape(75, 4).sum(axis=0, dtype=np.uint8)
    out = mixed[:280] + np.resize(sums, 280)
    ends = mixed[[0, -1]]
    tail = np.array([ends.sum(dtype=np.uint8), 0], np.uint8)
    return [
        (0, mixed.tobytes()),
        (4, sums.tobytes()),
        (4, ends.tobytes()),
        (7, out.tobytes()),
        (7, tail.tobytes()),
    ]


def front_end(samples: bytes) -> bytes:
    """Compute what tests/device/harness/tk_features.c computes."""
    audio = np.frombuffer(samples, "<i2")
    rows = bytearray()
    for start in range(0, len(audio) - WINDOW + 1, HOP):
        window = audio[start : start + WINDOW]
        high = (window / 256).astype(np.int8)
        total = int(window.astype(np.uint16).sum(dtype=np.uint32)) % 128
        rows += np.array([high.min(), high.max(), total], np.int8).tobytes()
    return bytes(rows[: FRAMES * WIDTH])


def enhancer(samples: bytes) -> bytes:
    """Compute what tests/device/harness/tk_enhancer.c gives for all samples since a reset."""
    audio = np.frombuffer(samples, "<i2")
    late = np.concatenate([np.zeros(ENHANCED_HOP, "<i2"), ~audio])
    return late[: len(audio)].tobytes()


def random_inputs(seed: int) -> list[np.ndarray]:
    """Inputs for the model, many zeros among them, which COBS has to hide."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-128, 128, INPUTS[0]) * rng.integers(0, 2, INPUTS[0])
    return [x.astype(np.int8), rng.integers(-128, 128, INPUTS[1], np.int8)]


def fake_device(trace: bool = False) -> FakeDevice:
    """Return the model on a `FakeDevice`."""
    return FakeDevice(
        model,
        INPUTS,
        OUTPUTS,
        front_end,
        {
            "board": "host",
            "app": "fake",
            "build": "0123456789abcdef",
            "model_sha256": SHA256[:64],
            "arena_bytes": 600,
            "state_bytes": 1,
            "frames": FRAMES,
            "width": WIDTH,
        },
        trace=trace,
        enhancer=enhancer,
        enhanced_hop=ENHANCED_HOP,
    )


class HarnessProcess:
    """A `Transport` to the C harness, run as a program on this machine."""

    name = "harness"

    def __init__(self, program: Path) -> None:
        self._program = program
        self._start()

    def _start(self) -> None:
        self._process = subprocess.Popen(
            [self._program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )

    def write(self, data: bytes) -> None:
        """Send all of `data`."""
        assert self._process.stdin
        self._process.stdin.write(data)

    def read(self, timeout_s: float) -> bytes:
        """Return what has arrived; waits as the protocol's `read` does, but never long."""
        assert self._process.stdout
        # The harness answers within milliseconds, even under sanitizers, or it never will.
        ready, _, _ = select.select([self._process.stdout], [], [], min(timeout_s, 0.25))
        return os.read(self._process.stdout.fileno(), 65536) if ready else b""

    def restart(self) -> None:
        """Lose everything, as a reset does."""
        self.close()
        self._start()

    def close(self) -> None:
        """End the program; it must not have crashed."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.stdout.close()
        assert self._process.wait(timeout=20) == 0


class Device(Protocol):
    """What the tests need of a device beyond a transport."""

    name: str

    def write(self, data: bytes) -> None: ...
    def read(self, timeout_s: float) -> bytes: ...
    def restart(self) -> None: ...
    def close(self) -> None: ...
