"""A Keras model as a chain of layers: what pruning walks."""

from __future__ import annotations

from tinykit.errors import ModelError
from tinykit.train.backend import keras


def chain(model: keras.Model) -> list[keras.Layer]:
    """Return the layers in order, without the input layer.

    Raises
    ------
    ModelError
        When the model branches, shares a layer or has several inputs or outputs.
    """
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ModelError(
            f"model {model.name!r} has {len(model.inputs)} inputs and {len(model.outputs)} outputs",
            "a chain of layers with one input and one output is supported",
        )
    if isinstance(model, keras.Sequential):  # a chain by construction
        return list(model.layers)
    value = model.inputs[0]
    layers = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.InputLayer):
            continue
        if layer.input is not value:
            raise ModelError(
                f"layer {layer.name!r} does not read the output of the layer before it alone",
                'only a chain of layers can be pruned: use [compress] technique = "none" and a '
                "smaller [model] size or width",
            )
        layers.append(layer)
        value = layer.output
    return layers


def unsupported(layer: keras.Layer, why: str = "") -> ModelError:
    """Return the error for a layer that cannot be quantized or pruned."""
    return ModelError(
        f"layer {layer.name!r} ({type(layer).__name__}): {why or 'not supported'}",
        "supported: Conv, DepthwiseConv, Dense, each with BatchNormalization, ReLU or ReLU6 after "
        "it, Add, Subtract, Multiply, Concatenate, Cropping, AveragePooling, MaxPooling, "
        "GlobalAveragePooling, GRU, LSTM, Flatten, Reshape, Dropout, Softmax; a chain of them can "
        "be pruned",
    )
