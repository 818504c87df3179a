"""The generated transforms of an enhancer, compiled for the host, sanitized: a program on pipes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
from frontend_host import STRICT, compiler

from tinykit.audio.spectrum_c import sources
from tinykit.audio.stft_spec import StftSpec

_PROGRAM = """
#include <stdio.h>
#include "tk_spectrum.h"

/* stdin: for each hop, its samples and the gains. stdout: the features and the samples given. */
int main(void)
{
    static int16_t samples[TK_SPECTRUM_HOP_SAMPLES], gains[TK_SPECTRUM_BANDS];
    static int8_t features[TK_SPECTRUM_BANDS];

    tk_spectrum_reset();
    while (fread(samples, sizeof samples, 1, stdin) && fread(gains, sizeof gains, 1, stdin)) {
        tk_spectrum_analyse(samples, features);
        tk_spectrum_synthesize(gains, samples);
        fwrite(features, sizeof features, 1, stdout);
        fwrite(samples, sizeof samples, 1, stdout);
    }
    return 0;
}
"""


class Program:
    """The transforms of `spec` as a program with ASan and UBSan."""

    def __init__(self, folder: Path, spec: StftSpec) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in {**sources(spec), "main.c": _PROGRAM}.items():
            (folder / name).write_text(text)
        flags = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
        command = [compiler(), *STRICT, *flags, "main.c", "tk_spectrum.c", "-o", "spectrum"]
        subprocess.run(command, cwd=folder, check=True, timeout=60)
        self._program = folder / "spectrum"
        self._spec = spec

    def run(self, samples: np.ndarray, gains: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Feed int16 (hops * hop_samples,) and gains (hops, bands); return features and audio."""
        hops = samples.reshape(len(gains), -1)
        given = b"".join(
            hop.astype("<i2").tobytes() + gain.astype("<i2").tobytes()
            for hop, gain in zip(hops, gains, strict=True)
        )
        done = subprocess.run(
            [self._program], input=given, capture_output=True, check=True, timeout=60
        )
        bands, bytes_per_hop = self._spec.bands, 2 * self._spec.hop_samples
        rows = np.frombuffer(done.stdout, np.uint8).reshape(len(gains), bands + bytes_per_hop)
        audio = np.ascontiguousarray(rows[:, bands:]).view("<i2").reshape(-1)
        return rows[:, :bands].astype(np.int8), audio
