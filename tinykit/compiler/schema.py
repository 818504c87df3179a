"""The .tflite schema: the generated flatbuffer classes, loaded when first needed, and its names.

The classes ship inside the tflite-micro package; importing them costs a quarter of a second, so
nothing here does that at import time.
"""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

import numpy as np

from tinykit.errors import ToolError

FILE_IDENTIFIER = b"TFL3"

ACTIVATIONS = {0: "none", 1: "relu", 2: "relu_n1_to_1", 3: "relu6"}
"""Fused activations that an integer kernel can clamp to, by number in the schema."""

DTYPES: dict[str, np.dtype[Any]] = {
    "INT8": np.dtype(np.int8),
    "UINT8": np.dtype(np.uint8),
    "INT16": np.dtype(np.int16),
    "INT32": np.dtype(np.int32),
    "INT64": np.dtype(np.int64),
}
"""Tensor types of an integer model, by name in the schema."""


@functools.cache
def module() -> ModuleType:
    """Return the generated schema module.

    Raises
    ------
    ToolError
        When the tflite-micro package is not installed or does not hold it.
    """
    try:
        from tflite_micro.tensorflow.lite.micro.python import schema_py_generated
    except ImportError as error:
        raise ToolError(
            f"the .tflite schema cannot be loaded: {error}", "pip install tflite-micro"
        ) from error
    return schema_py_generated


def _names(enum: str) -> dict[int, str]:
    return {value: name for name, value in vars(getattr(module(), enum)).items() if name[0] != "_"}


@functools.cache
def builtin_names() -> dict[int, str]:
    """Return the name of each builtin operator by number: 3 is "CONV_2D"."""
    return _names("BuiltinOperator")


@functools.cache
def tensor_type_names() -> dict[int, str]:
    """Return the name of each tensor type by number: 9 is "INT8"."""
    return _names("TensorType")


@functools.cache
def options_names() -> dict[int, str]:
    """Return the name of each options table by its number in the union."""
    return _names("BuiltinOptions")
