"""From an int8 .tflite to plain C with a static memory plan."""

from __future__ import annotations

from tinykit.compiler.compiled import CompiledModel, compile_model

__all__ = ["CompiledModel", "compile_model"]
