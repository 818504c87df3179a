"""The one place that imports Keras: quietly, and set up so that a seed gives the same bytes."""

from __future__ import annotations

import os
import sys

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


def _import_keras() -> None:
    """Import Keras with file descriptor 2 closed to chatter.

    TensorFlow's C++ writes notices to it before any log level is in force; a Python error still
    arrives as an exception.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "w") as null:  # noqa: PTH123 - a device, not a file
            os.dup2(null.fileno(), 2)
            import keras  # noqa: F401
    finally:
        os.dup2(kept, 2)
        os.close(kept)


_import_keras()

import keras  # noqa: E402

if keras.backend.backend() == "tensorflow":
    import tensorflow

    tensorflow.config.experimental.enable_op_determinism()  # measured: no slower on two cores
    tensorflow.get_logger().setLevel("ERROR")  # a new network traces anew: no cause for a warning

__all__ = ["keras", "seed_everything"]


def seed_everything(seed: int) -> None:
    """Seed Python, numpy and the Keras backend."""
    keras.utils.set_random_seed(seed)
