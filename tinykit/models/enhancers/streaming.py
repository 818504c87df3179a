"""An enhancer as the device runs it: one frame and the states in, gains and the states out."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tinykit.models.enhancers._layers import Stateful
from tinykit.train.backend import keras

Float = NDArray[np.float32]


def stateful(model: keras.Model) -> list[Stateful]:
    """Return the layers that have a state, in the order of `streamed`'s states."""
    return [operation for operation in model.operations if isinstance(operation, Stateful)]


def streamed(model: keras.Model) -> keras.Model:
    """Return the model of [features, *states] to [gains, *states], with the same weights.

    Layers with a state have copies of theirs; `copy_weights` brings back what they learn.
    """
    states = {
        layer.name: keras.Input(layer.state_shape(), name=f"{layer.name}_state")
        for layer in stateful(model)
    }
    values = {id(model.inputs[0]): model.inputs[0]}
    after = []
    for operation in model.operations:
        if isinstance(operation, keras.layers.InputLayer):
            continue
        node = operation._inbound_nodes[0]
        given = [values[id(one)] for one in node.input_tensors]
        if isinstance(operation, Stateful):
            # a layer of its own: Keras looks at what a layer's first call gave, one value here
            layer = type(operation).from_config(operation.get_config())
            y, state = layer(given[0], states[operation.name])
            layer.set_weights(operation.get_weights())
            after.append(state)
        else:
            y = operation(given if len(given) > 1 else given[0])
        values[id(node.output_tensors[0])] = y
    gains = values[id(model.outputs[0])]
    return keras.Model([model.inputs[0], *states.values()], [gains, *after])


def copy_weights(frame: keras.Model, model: keras.Model) -> None:
    """Give `model` the weights that `frame`, its `streamed` form, was trained to."""
    for layer in stateful(model):
        layer.set_weights(frame.get_layer(layer.name).get_weights())


def frame_by_frame(model: keras.Model, features: Float) -> Iterator[Float]:
    """Yield the gains, float32 (bands,), of each row of features (frames, bands), from rest."""
    stream = streamed(model)
    states = [np.zeros((1, *layer.state_shape()), np.float32) for layer in stateful(model)]
    for row in features:
        given = stream([row[None, None], *states])
        gains, *states = (np.asarray(keras.ops.convert_to_numpy(one)) for one in given)
        yield gains[0, 0]
