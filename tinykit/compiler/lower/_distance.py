"""How far into the output the input may begin, for kernels that write as they read."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from tinykit.compiler.lower import InPlace
from tinykit.compiler.ops._window import Window


def streaming(first_read: ArrayLike, written: ArrayLike, *, reads_first: bool) -> int:
    """Return the least distance at which a kernel may overwrite its input.

    The kernel works in steps. With the input `distance` bytes above the output's start, no step
    may write a byte that it or a later step still reads.

    Parameters
    ----------
    first_read : int (steps,)
        The lowest input byte that each step reads.
    written : int (steps,)
        How many output bytes, from its start on, are written once the step has ended.
    reads_first : bool
        Whether a step reads everything before it writes anything.

    Returns
    -------
    distance : int
        At least 0; the output's size or more when sharing gains nothing.
    """
    reads = np.asarray(first_read, np.int64)
    ends = np.asarray(written, np.int64)
    still_needed = np.minimum.accumulate(reads[::-1])[::-1]  # lowest byte read from step i on
    if reads_first:
        ends, still_needed = ends[:-1], still_needed[1:]
    return max(0, int(np.max(ends - still_needed, initial=0)))


def window_reads(
    window: Window, image: tuple[int, ...], result: tuple[int, ...]
) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Return the lowest input byte that the window reads at each output pixel, row by row.

    Parameters
    ----------
    image, result : (1, H, W, C)
        Shapes of the int8 input and output.
    """
    _, height, width, channels = image
    _, rows, columns, _ = result

    def first(outputs: int, axis: int, before: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        starts = np.arange(outputs) * window.stride[axis] - before
        skipped = np.maximum(0, -(starts // window.dilation[axis]))  # taps in the padding
        return starts + skipped * window.dilation[axis]

    tops = np.minimum(first(rows, 0, window.pad.top), height - 1)
    lefts = np.minimum(first(columns, 1, window.pad.left), width - 1)
    return ((tops[:, None] * width + lefts[None, :]) * channels).reshape(-1)


def in_place(distance: int, *, backwards: bool) -> InPlace:
    """Return the permission of a kernel that goes through its pixels from first to last.

    Or from last to first: then, as no pixel shrinks, what is written lies behind all that is left
    to read wherever the output begins at or above the input.
    """
    return InPlace(backwards=True) if backwards else InPlace(distance=distance)
