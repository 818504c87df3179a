"""The fully connected layer over time."""

from __future__ import annotations

import numpy as np

from tinykit.compiler.ir import Graph, Op
from tinykit.compiler.lower import Call, Constant, Input, Kernel, Lowering, Output
from tinykit.compiler.ops import svdf as meaning


def _lower(graph: Graph, op: Op) -> Lowering:
    keys = (op.inputs[0], op.inputs[meaning.FEATURES], op.inputs[meaning.TIME])
    source, features, time = (graph.tensors[key] for key in keys if key is not None)
    result = graph.tensors[op.outputs[0]]
    assert features.data is not None and time.data is not None
    folded = -source.zero_point * features.data.astype(np.int64).sum(axis=1)
    into, out = meaning.RULE.scaling(graph, op)
    call = Call(
        "tk_svdf_s8",
        (
            Input(),
            Constant("feature", features.data),
            Constant("feature_bias", folded.astype(np.int32)),
            Constant("time", time.data),
            Constant("bias", meaning.RULE.bias(graph, op).astype(np.int32)),
            Output(1),
            Output(),
        ),
        "tk_svdf_params",
        {
            "depth": features.shape[1],
            "memory": time.shape[1],
            "units": result.size,
            "rank": op.attrs.rank,
            "state_multiplier": into[0],
            "state_shift": -into[1],
            "multiplier": out[0],
            "shift": -out[1],
            "to": {"zero_point": result.zero_point, "low": -128, "high": 127, "any_shift": 1},
        },
    )
    return Lowering((call,))


KINDS = ("svdf",)
KERNELS = (Kernel("svdf_s8", "tk_svdf.h", _lower),)
