"""Single-op models for what blocks, tails and roundings of the Helium kernels could get wrong."""

from __future__ import annotations

import numpy as np
import single_op

from tinykit.compiler.writer import TfliteWriter

CONV = "conv2d_s8_helium"
DEPTHWISE = "depthwise_conv2d_s8_helium"
DENSE = "fully_connected_s8_helium"
POOL = "pool2d_s8_helium"
MEAN = "mean_s8_helium"
TABLE = "table_s8_helium"
LSTM = "lstm_s8_helium"
BINARY = "binary_s8_helium"

_LOW, _HIGH = (0.05, -128), (0.05, 127)


def cases() -> dict[str, tuple[str, bytes]]:
    """Return name -> (the kernel it is to take, the model)."""
    return (
        _convolutions()
        | _depthwise()
        | _dense()
        | _roundings()
        | _pools()
        | _tables()
        | _recurrent()
        | _binaries()
    )


def _convolutions() -> dict[str, tuple[str, bytes]]:
    conv = single_op.conv2d
    made = {
        # 1, 2 and 0 pixels in the last block of three, 1..4 channels in the last four
        "one-pixel": conv((1, 1, 1, 20), (6, 3, 3)),
        "four-pixels": conv((1, 2, 2, 5), (5, 1, 1), activation="relu"),
        "five-pixels": conv((1, 1, 5, 16), (7, 1, 1)),
        "six-pixels": conv((1, 3, 2, 33), (8, 1, 1), activation="relu6"),
        # depths around whole vectors of 16
        **{f"depth-{n}": conv((1, 2, 2, n), (4, 1, 1), seed=n) for n in (1, 15, 16, 17, 31, 48)},
        "padding-all-round": conv((1, 4, 3, 2), (3, 5, 5)),
        "padding-wider-than-image": conv((1, 1, 1, 3), (2, 5, 7)),
        "dilated-padding": conv((1, 7, 6, 3), (5, 3, 3), dilation=(2, 2)),
        "stride": conv((1, 9, 8, 4), (9, 3, 3), stride=(2, 3)),
        "pointwise-stride": conv((1, 5, 5, 4), (4, 1, 1), stride=(2, 2)),
        "grows": conv((1, 3, 3, 3), (19, 1, 1), source=_LOW),
        "extreme": conv((1, 3, 3, 64), (4, 3, 3), source=_HIGH, weights="extreme"),
    }
    return {f"conv2d-{name}": (CONV, data) for name, data in made.items()}


def _depthwise() -> dict[str, tuple[str, bytes]]:
    depthwise = single_op.depthwise_conv2d
    made = {
        **{
            f"channels-{n}": depthwise((1, 4, 3, n), (3, 3), seed=n)
            for n in (2, 15, 16, 17, 32, 40)
        },
        "sixteen-taps": depthwise((1, 6, 6, 16), (4, 4), activation="relu"),
        "seventeen-taps": depthwise((1, 20, 1, 16), (17, 1), padding="VALID"),
        "many-taps": depthwise((1, 12, 7, 20), (10, 4), stride=(2, 2)),
        "over-time": depthwise((1, 24, 1, 18), (10, 1), padding="VALID"),
        "over-time-one-output": depthwise((1, 15, 1, 32), (15, 1), padding="VALID"),
        "along-a-row": depthwise((1, 1, 9, 5), (1, 5)),
        "stride-over-kernel": depthwise((1, 9, 9, 3), (2, 2), stride=(4, 3)),
        "padding-wider-than-image": depthwise((1, 2, 2, 4), (7, 5)),
        "dilation": depthwise((1, 9, 8, 6), (3, 3), dilation=(2, 3)),
        "input-below-the-windows": depthwise((1, 8, 8, 4), (2, 2), stride=(3, 3), padding="VALID"),
        "extreme": depthwise((1, 5, 5, 16), (5, 5), weights="extreme", source=_HIGH),
        "zero-weights": depthwise((1, 4, 4, 7), weights="zero"),  # all products in one run
    }
    named = {f"depthwise_conv2d-{name}": (DEPTHWISE, data) for name, data in made.items()}
    single = depthwise((1, 9, 8, 1), (4, 3), multiplier=8, stride=(2, 2))
    return named | {"depthwise_conv2d-one-channel": (CONV, single)}


def _dense() -> dict[str, tuple[str, bytes]]:
    dense = single_op.fully_connected
    made = {
        **{f"units-{n}": dense((1, 20), n, seed=n, per_channel=n % 2 == 0) for n in range(1, 9)},
        **{f"depth-{n}": dense((1, n), 4, seed=n) for n in (1, 15, 16, 17, 100)},
        "rows": dense((3, 17), 6, per_channel=True, activation="relu"),
        "extreme": dense((2, 250), 5, weights="extreme", source=_HIGH),
    }
    return {f"fully_connected-{name}": (DENSE, data) for name, data in made.items()}


def _pools() -> dict[str, tuple[str, bytes]]:
    pool, mean = single_op.pool2d, single_op.mean
    made = {}
    for builtin in ("AVERAGE_POOL_2D", "MAX_POOL_2D"):
        kind = builtin.lower().replace("_2d", "2d")
        pools = {
            **{f"channels-{n}": pool(builtin, (1, 4, 3, n), (2, 2)) for n in (1, 4, 16, 17, 23)},
            **{f"pixels-{n}": pool(builtin, (1, n, 1, 5), (n, 1)) for n in (1, 2, 3, 7, 255, 2884)},
            "same": pool(builtin, (1, 7, 6, 20), (5, 4), stride=(2, 3), padding="SAME"),
            "relu": pool(builtin, (1, 5, 5, 6), (2, 2), source=(0.05, 40), activation="relu6"),
        }
        made |= {f"{kind}-{name}": (POOL, data) for name, data in pools.items()}
    means = {
        **{
            f"channels-{n}": mean((1, 6, 5, n), (1, 2), (0.05, 3), (0.04, -9)) for n in (2, 4, 7, 9)
        },
        "over-time": mean((1, 9, 4, 6), (1,), _HIGH, (0.05, -128)),
        "over-rows": mean((2, 3, 5, 6), (0, 2), _LOW, (0.02, 127)),
    }
    return made | {f"mean-{name}": (MEAN, data) for name, data in means.items()}


def _tables() -> dict[str, tuple[str, bytes]]:
    made = {
        f"relu-{n}": single_op.unary("RELU", (1, n), (0.05, 3), (0.04, -100)) for n in (1, 16, 39)
    }
    made["logistic-300"] = single_op.unary("LOGISTIC", (1, 300), (0.05, 3), (1 / 256, -128))
    return {f"look-ups-{name}": (TABLE, data) for name, data in made.items()}


def _recurrent() -> dict[str, tuple[str, bytes]]:
    made = {
        f"depth-{depth}-units-{units}": single_op.lstm(steps, depth, units, gain=gain)
        for steps, depth, units, gain in ((3, 17, 5, 1), (2, 16, 20, 3), (1, 33, 4, 20))
    }
    return {f"unidirectional_sequence_lstm-{name}": (LSTM, data) for name, data in made.items()}


def _roundings() -> dict[str, tuple[str, bytes]]:
    made = {f"rounding-{shift}": _bias_only(shift) for shift in range(1, 32)}
    return {f"fully_connected-{name}": (DENSE, data) for name, data in made.items()}


def _bias_only(shift: int) -> bytes:
    """A layer whose weights are 0, so that its accumulators are its biases, scaled by `shift`.

    The biases lie at and beside the values that fall on a half in either rounding, where a
    multiplier of 2**30 halves them first, and are random where it is any other.
    """
    rng = np.random.default_rng(shift)
    halves = (2 * np.arange(-60, 60, 7)[:, None] + 1) * 2**shift + np.arange(-3, 4)
    exact = np.concatenate([halves.reshape(-1), np.arange(-5, 6), [-(2**31) + 1, 2**31 - 1]])
    exact = exact[np.abs(exact) < 2**31]
    other = rng.integers(-min(2 ** (shift + 8), 2**31 - 1), min(2 ** (shift + 8), 2**31 - 1), 99)
    bias = np.concatenate([exact, other]).astype(np.int32)
    scale = 2.0 ** (-1 - shift)  # of the weights; input and output have 1
    scales = np.concatenate(
        [np.full(exact.size, scale), scale * rng.uniform(1, 1.999, other.size)]
    ).astype(np.float32)
    writer = TfliteWriter()
    x = writer.tensor("x", (1, 1), np.int8, scale=1.0, zero_point=0)
    filters = writer.constant("filter", np.zeros((bias.size, 1), np.int8), scale=scales, axis=0)
    biases = writer.constant("bias", bias, scale=scales)
    y = writer.tensor("y", (1, bias.size), np.int8, scale=1.0, zero_point=0)
    writer.op("FULLY_CONNECTED", [x, filters, biases], [y], "FullyConnectedOptions")
    return writer.build([x], [y])


def _binaries() -> dict[str, tuple[str, bytes]]:
    fine, coarse = (0.05, 3), (0.1, -128)
    made = {}
    for builtin, result in (("ADD", (0.12, 9)), ("SUB", (0.12, 127)), ("MUL", (0.3, -7))):
        for name, shape, other, options in (
            ("odd", (1, 303), (1, 303), {}),
            ("channels", (1, 5, 4, 6), (6,), {}),
            ("rows", (1, 5, 4, 7), (1, 1, 4, 7), {"activation": "relu"}),
            ("one-each", (1, 5, 4, 9), (1, 5, 4, 1), {"activation": "relu6"}),
        ):
            data = single_op.binary(builtin, shape, other, fine, coarse, result, **options)
            made[f"{builtin.lower()}-{name}"] = (BINARY, data)
    tie = single_op.binary("ADD", (1, 300), (1, 300), fine, fine, (0.1, -5))
    far = single_op.binary("SUB", (1, 300), (1, 300), (0.0001, 127), coarse, (0.11, 0))
    return made | {"add-ties": (BINARY, tie), "sub-far-apart": (BINARY, far)}
