"""The windows that a streamed model stands for: what it is compared with, hop by hop."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from tinykit.compiler.ops import Array
from tinykit.compiler.streaming.transform import Stream, past


def sliding_windows(stream: Stream, hops: Sequence[Array]) -> Iterator[list[Array]]:
    """Yield the inputs of the window model at each hop since the reset.

    Parameters
    ----------
    stream : Stream
    hops : one array for each model input, (N, *shape of the streamed input)

    Yields
    ------
    list of arrays
        One for each model input: zero points, then the rows so far, the newest last.
    """
    keys = stream.window.inputs
    windows = past(stream.window)
    for hop in range(len(hops[0])):
        for position, (key, given) in enumerate(zip(keys, hops, strict=True)):
            axis = stream.times[key].axis
            kept = np.split(windows[position], [given[hop].shape[axis]], axis)[1]
            windows[position] = np.concatenate([kept, given[hop]], axis)
        yield list(windows)
