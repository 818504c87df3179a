"""A process that speaks: requests as JSON lines on stdin, samples on stdout.

It runs as a script of its own, and nothing else loads espeak-ng: the library is GPL-3.0-or-later,
brought by the optional package `espeakng-loader`, and stays apart from the kit's own process. This
file therefore imports only the standard library and that package.

Requests: ``{"text", "voice", "words_per_minute", "pitch", "pitch_range", "seed"}`` to speak, and
``{"phonemes", "voice"}`` for how a text is pronounced. Every reply is ``status (int32), bytes
(uint32)``, little-endian, and that many bytes. Of status 0 they are samples (int16), or JSON: a
list of clauses, each two strings, phonemes in the IPA and in espeak-ng's own letters. Of another
status they are an error text (UTF-8). The first reply, unasked, is the sample rate in digits.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import struct
import sys
from pathlib import Path
from typing import Any, BinaryIO

HEADER = struct.Struct("<iI")
OK, FAILED = 0, 1

# Constants of speak_lib.h.
_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_UTF8 = 1
_PHONEME_INPUT = 0x100  # text may hold phonemes in [[ ]]
_PHONEMES_AS_IPA = 0x02
_SEPARATOR = ord("_") << 8
_RATE, _PITCH, _RANGE = 1, 3, 4

_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


class Espeak:
    """espeak-ng through ctypes, as far as speaking a word needs it."""

    def __init__(self) -> None:
        import espeakng_loader

        self._data = Path(espeakng_loader.get_data_path())
        self._library = ctypes.CDLL(espeakng_loader.get_library_path())
        self._library.espeak_Synth.argtypes = [
            ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint,
            ctypes.c_uint, ctypes.c_void_p, ctypes.c_void_p,
        ]  # fmt: skip
        self._library.espeak_ng_SetRandSeed.argtypes = [ctypes.c_long]
        self._library.espeak_TextToPhonemes.restype = ctypes.c_char_p
        self._spoken = bytearray()
        self._callback = _Callback(self._receive)  # kept: the library holds only a pointer to it
        self.rate_hz: int = self._library.espeak_Initialize(
            _SYNCHRONOUS, 0, os.fsencode(self._data), _DONT_EXIT
        )
        if self.rate_hz <= 0:
            raise RuntimeError(f"espeak_Initialize failed with {self._data}")
        self._library.espeak_SetSynthCallback(self._callback)

    def _receive(self, samples: Any, count: int, _events: int) -> int:
        if samples and count > 0:
            self._spoken += ctypes.string_at(samples, 2 * count)
        return 0  # go on

    def speak(self, request: dict[str, Any]) -> bytes:
        """Return what `request` sounds like, int16 at `rate_hz`."""
        self._choose(request["voice"])
        for parameter, value in (
            (_RATE, request["words_per_minute"]),
            (_PITCH, request["pitch"]),
            (_RANGE, request["pitch_range"]),
        ):
            if self._library.espeak_SetParameter(parameter, value, 0):
                raise RuntimeError(f"parameter {parameter} cannot be {value}")
        self._library.espeak_ng_SetRandSeed(request["seed"])
        text = request["text"].encode()
        flags = _UTF8 | (_PHONEME_INPUT if text.startswith(b"[[") else 0)
        if self._library.espeak_Synth(text, len(text) + 1, 0, 1, 0, flags, None, None):
            raise RuntimeError(f"cannot speak `{request['text']}`")
        return bytes(self._spoken)

    def phonemes(self, request: dict[str, Any]) -> bytes:
        """Return how a text is pronounced, clause by clause, as JSON."""
        self._choose(request["voice"])
        modes = (_SEPARATOR | _PHONEMES_AS_IPA, _SEPARATOR)
        spelled = [self._translate(request["phonemes"].encode(), mode) for mode in modes]
        return json.dumps(list(zip(*spelled, strict=True))).encode()

    def _translate(self, text: bytes, mode: int) -> list[str]:
        buffer = ctypes.create_string_buffer(text)
        place = ctypes.c_void_p(ctypes.addressof(buffer))
        clauses = []
        while place.value:  # moved on by the library, to null at the end
            said = self._library.espeak_TextToPhonemes(ctypes.byref(place), _UTF8, mode)
            clauses.append((said or b"").decode())
        return clauses

    def _choose(self, voice: str) -> None:
        variant = voice.partition("+")[2]
        # espeak-ng speaks with the default voice, without a word, when it knows no such variant.
        if variant and not (self._data / "voices" / "!v" / variant).is_file():
            raise RuntimeError(f"no voice variant `{variant}`")
        if self._library.espeak_SetVoiceByName(voice.encode()):
            raise RuntimeError(f"no voice `{voice}`")


def speak_afresh(espeak: Espeak, request: dict[str, Any]) -> tuple[int, bytes]:
    """Speak in a forked process, so that each utterance starts from the same state.

    The synthesizer's oscillators and filters keep running between utterances: without the fork a
    word depends, in a few samples, on all that was said before, whatever the seed.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        answer = espeak.phonemes if "phonemes" in request else espeak.speak
        with os.fdopen(writer, "wb") as pipe:
            try:
                pipe.write(HEADER.pack(OK, 0) + answer(request))
            except Exception as reason:
                pipe.write(HEADER.pack(FAILED, 0) + str(reason).encode())
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        reply = pipe.read()
    _, ended = os.waitpid(child, 0)
    if ended or len(reply) < HEADER.size:
        return FAILED, f"espeak-ng died with status {ended}".encode()
    return HEADER.unpack_from(reply)[0], reply[HEADER.size :]


def main() -> None:
    """Answer requests until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's: it closes stdin
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the library prints must not get between the replies

    def reply(status: int, payload: bytes) -> None:
        _send(replies, status, payload)

    try:
        espeak = Espeak()
    except Exception as reason:
        reply(FAILED, str(reason).encode())
        return
    reply(OK, str(espeak.rate_hz).encode())
    for line in sys.stdin:
        reply(*speak_afresh(espeak, json.loads(line)))


def _send(stream: BinaryIO, status: int, payload: bytes) -> None:
    stream.write(HEADER.pack(status, len(payload)) + payload)
    stream.flush()


if __name__ == "__main__":
    main()
