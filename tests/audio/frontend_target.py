"""The generated front end on an emulated core: rows, instructions, memory.

Run as a program to print the table of `docs/front-end.md`: `python tests/audio/frontend_target.py`.
"""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from frontend_host import STRICT, write
from frontend_signals import signals

from tinykit.audio.spec import FeatureSpec

HERE = Path(__file__).resolve().parent
CORES = {
    "cortex-m4f": ("mps2-an386", "-mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16"),
    "cortex-m7": ("mps2-an500", "-mcpu=cortex-m7 -mfloat-abi=hard -mfpu=fpv5-sp-d16"),
    "cortex-m3": ("mps2-an385", "-mcpu=cortex-m3"),
    "cortex-m0plus": ("mps2-an385", "-mcpu=cortex-m0plus"),  # ARMv6-M code on an M3
}
"""core: (QEMU machine, compiler flags)."""


SECTIONS = ("-ffunction-sections", "-fdata-sections")  # as the firmware projects are built


@dataclass(frozen=True)
class Measured:
    """What one clip showed. Instructions are of the pushes that complete a row, from the second."""

    rows: np.ndarray
    instructions: int  # the most of any hop
    stack_bytes: int  # below the caller's frame
    code_bytes: int  # without memcpy and the compiler's 64-bit routines
    const_bytes: int
    static_bytes: int


def measure(
    folder: Path, spec: FeatureSpec, samples: np.ndarray, core: str, optimize: str = "-O2"
) -> Measured:
    """Build for `core`, run one clip in QEMU and return what it did."""
    machine, flags = CORES[core]
    write(folder, spec)
    values = ",".join(str(value) for value in samples.tolist())
    (folder / "audio.h").write_text(
        f"static const int16_t audio[] __attribute__((aligned(4))) = {{{values}}};\n"
    )
    gcc = ["arm-none-eabi-gcc", *flags.split(), "-mthumb", optimize, *SECTIONS]
    link = ["-nostartfiles", "-T", str(HERE / "frontend_target.ld"), "-Wl,--gc-sections"]
    main = [str(HERE / "frontend_target.c"), "-I."]
    _run([*gcc, *STRICT, "-c", "tk_features.c", "-o", "features.o"], folder)
    _run([*gcc, "-std=gnu99", *main, "features.o", *link, "-o", "features.elf"], folder)
    sizes = _sizes(_run(["arm-none-eabi-size", "-A", "features.o"], folder))
    qemu = ["qemu-system-arm", "-M", machine, "-display", "none", "-monitor", "none"]
    qemu += ["-serial", "none", "-icount", "shift=6,sleep=off"]
    qemu += ["-semihosting-config", "enable=on,target=native", "-kernel", "features.elf"]
    numbers = np.array(_run(qemu, folder).split(), np.int64)
    return Measured(
        rows=numbers[spec.frames + 1 :].astype(np.int8).reshape(spec.frames, spec.width),
        instructions=int(numbers[1 : spec.frames].max()),
        stack_bytes=int(numbers[spec.frames]),
        code_bytes=sizes.get(".text", 0),
        const_bytes=sizes.get(".rodata", 0),
        static_bytes=sizes.get(".bss", 0) + sizes.get(".data", 0),
    )


def _run(command: list[str], folder: Path) -> str:
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    assert result.returncode == 0, f"{command[0]}: {result.stderr}"
    return result.stdout + result.stderr


def _sizes(text: str) -> dict[str, int]:
    sizes: dict[str, int] = {}
    for line in text.splitlines():
        name, *rest = line.split() or [""]
        if name.startswith(".") and len(rest) == 2:
            section = "." + name.split(".")[1]
            sizes[section] = sizes.get(section, 0) + int(rest[0])
    return sizes


def main() -> None:
    """Print instructions per hop and memory, per specification, core and optimization."""
    print(
        f"{'spec':<30}{'core':<15}{'':>5}{'insns':>8}{'code':>7}{'const':>7}{'static':>8}{'stack':>7}"
    )
    specs = {
        "mfcc 10 of 40, 30/20 ms": FeatureSpec(),
        "log_mel 40, 30/20 ms": FeatureSpec(kind="log_mel"),
        "micro 40, 30/10 ms": FeatureSpec(kind="micro"),
        "mfcc 13, 8 kHz, 25/10 ms": FeatureSpec(
            sample_rate_hz=8000, window_ms=25, hop_ms=10, high_hz=4000, coefficients=13
        ),
        "log_mel 64, 64/32 ms": FeatureSpec(kind="log_mel", mel_bins=64, window_ms=64, hop_ms=32),
    }
    for name, spec in specs.items():
        for core in CORES:
            for optimize in ("-O2", "-O3", "-Os"):
                samples = signals(spec.clip_samples)["chirp"]
                with tempfile.TemporaryDirectory() as folder:
                    m = measure(Path(folder), spec, samples, core, optimize)
                print(
                    f"{name:<30}{core:<15}{optimize:>5}{m.instructions:>8}{m.code_bytes:>7}"
                    f"{m.const_bytes:>7}{m.static_bytes:>8}{m.stack_bytes:>7}"
                )


if __name__ == "__main__":
    main()
