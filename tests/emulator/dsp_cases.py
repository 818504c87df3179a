"""Edge cases of the kernels for the Arm DSP extension, each with the kernel that must take it."""

from __future__ import annotations

import int16_cases
import numpy as np
import single_op

CONV = "conv2d_s8_dsp"
DEPTHWISE = "depthwise_conv2d_s8_dsp"
DEPTHWISE_COLUMN = "depthwise_conv2d_column_s8_dsp"
DENSE, DENSE_WIDE = "fully_connected_s8_dsp", "fully_connected_wide_s8_dsp"
LSTM = "lstm_s8_dsp"
BINARY = "binary_s8_dsp"
MEAN = "mean_s8_dsp"
POOL = "pool2d_s8_dsp"

Cases = dict[str, tuple[str, bytes]]  # name: kernel, model


def _power_of_two(exponent: int) -> bytes:
    """Return a convolution whose outputs are accumulators times exactly 2**exponent."""
    drawn = np.random.default_rng(0).uniform(0.001, 0.02, 1).astype(np.float32)  # as single_op does
    scale = float(drawn[0] * np.float32(2.0 ** (-1 - exponent)))
    return single_op.conv2d(
        (1, 3, 3, 8), (6, 1, 1), per_channel=False, source=(0.5, 3), output_scale=scale
    )


def _convolutions() -> Cases:
    build = single_op.conv2d
    low = (0.05, -128)
    made: Cases = {
        f"conv2d-{pixels}-pixels": (CONV, build((1, 1, pixels, 8), (4, 1, 3)))
        for pixels in (2, 3, 4, 5, 7)
    }
    made |= {
        f"conv2d-depth-{depth}": (CONV, build((1, 2, 3, depth), (5, 1, 1)))
        for depth in (1, 2, 3, 5, 12, 15, 16, 17, 24, 40)
    }
    made |= {
        f"conv2d-{name}": (CONV, build((1, 5, 5, 8), (7, 3, 3), zero_point=zero, activation=name))
        for name, zero in (("none", 9), ("relu", -128), ("relu6", -100), ("relu", 20))
    }
    made |= {
        "conv2d-1-pixel": (CONV, build((1, 3, 3, 5), (4, 2, 2), stride=(3, 3))),
        "conv2d-one-output": (CONV, build((1, 5, 4, 4), (1, 3, 3))),
        "conv2d-3x3-stride-2": (CONV, build((1, 9, 8, 4), (6, 3, 3), stride=(2, 2))),
        "conv2d-in-place": (CONV, build((1, 9, 8, 16), (16, 1, 1), zero_point=127)),
        "conv2d-in-place-narrower": (CONV, build((1, 3, 3, 16), (9, 1, 1), zero_point=-128)),
        "conv2d-multiplier-2^30": (CONV, _power_of_two(-9)),
        "conv2d-shift-1": (CONV, _power_of_two(-2)),
        "conv2d-shift-22": (CONV, _power_of_two(-23)),
        "conv2d-shift-23": ("conv2d_s8", _power_of_two(-24)),
        "conv2d-shift-0": ("conv2d_s8", _power_of_two(-1)),
    }
    for depth in (128, 132, 240, 244, 480, 500):  # the packing alone holds 129 of the largest
        made[f"conv2d-extreme-{depth}"] = (
            CONV,
            build((1, 1, 5, depth), (4, 1, 1), source=low, weights="extreme"),
        )
    made["conv2d-wide-3x3"] = (
        CONV,
        build((1, 4, 4, 65), (5, 3, 3), source=(0.05, 127), weights="extreme", activation="relu"),
    )
    return made


def _depthwise() -> Cases:
    build = single_op.depthwise_conv2d
    made: Cases = {}
    for height, width in ((2, 1), (5, 5), (6, 7), (9, 4), (8, 8)):
        for stride in (1, 2):
            for padding in ("SAME", "VALID"):
                if padding == "VALID" and (width < 3 or (height - 3) // stride < 1):
                    continue
                if padding == "SAME" and -(-height // stride) < 2:
                    continue
                made[f"depthwise_conv2d-3x3-{height}x{width}-{stride}-{padding}"] = (
                    DEPTHWISE,
                    build((1, height, width, 8), stride=(stride, stride), padding=padding),
                )
    for activation, zero in (("relu", -128), ("relu", 7), ("relu6", -100), ("relu_n1_to_1", 0)):
        made[f"depthwise_conv2d-3x3-{activation}-{zero}"] = (
            DEPTHWISE,
            build((1, 6, 5, 4), zero_point=zero, activation=activation, source=(0.05, -128)),
        )
    for size in ((5, 5), (3, 1), (1, 3), (2, 2), (4, 1), (7, 3), (1, 5), (6, 1)):
        for stride in (1, 2):
            made[f"depthwise_conv2d-{size[0]}x{size[1]}-{stride}"] = (
                DEPTHWISE,
                build((1, 8, 7, 4), size, stride=(stride, stride)),
            )
        if size[0] != 1:
            made[f"depthwise_conv2d-{size[0]}x{size[1]}-valid"] = (
                DEPTHWISE,
                build((1, 9, 7, 8), size, padding="VALID", weights="extreme", source=(0.05, 127)),
            )
    made["depthwise_conv2d-5x5-large"] = (DEPTHWISE, build((1, 14, 13, 64), (5, 5)))
    for image, size, dilation in (  # one output, as at the end of a stream
        ((1, 15, 1, 40), (15, 1), (1, 1)),
        ((1, 9, 1, 8), (5, 1), (2, 1)),
        ((1, 4, 3, 12), (4, 3), (1, 1)),
        ((1, 1, 5, 4), (1, 5), (1, 1)),
        ((1, 20, 1, 4), (17, 1), (1, 1)),
    ):
        for zero, activation in ((-128, "relu"), (127, "none")):
            made[f"depthwise_conv2d-column-{size[0]}x{size[1]}-{activation}"] = (
                DEPTHWISE_COLUMN,
                build(
                    image,
                    size,
                    dilation=dilation,
                    stride=(9, 9),
                    padding="VALID",
                    activation=activation,
                    source=(0.05, zero),
                    weights="extreme" if size[1] == 3 else "random",
                ),
            )
    for name, image, size, options in (
        ("mixed-strides", (1, 9, 9, 4), (3, 3), {"stride": (1, 2)}),
        ("stride-3", (1, 17, 14, 3), (3, 3), {"stride": (3, 3)}),
        ("two-taps-stride-2", (1, 27, 14, 7), (2, 1), {"stride": (2, 2), "padding": "VALID"}),
        ("stride-4-5", (1, 21, 18, 2), (5, 2), {"stride": (4, 5)}),
        ("time-in-width", (1, 1, 23, 6), (1, 9), {}),
        ("dilated", (1, 11, 13, 5), (3, 3), {"dilation": (2, 3)}),
        ("dilated-time", (1, 40, 1, 4), (5, 1), {"dilation": (8, 1)}),
        ("dilated-across", (1, 20, 9, 3), (5, 1), {"dilation": (4, 1), "stride": (1, 3)}),
        ("multiplier", (1, 8, 7, 3), (3, 3), {"multiplier": 3}),
        ("one-channel", (1, 9, 6, 1), (4, 3), {}),
        ("wide-image", (1, 30, 41, 2), (3, 3), {}),
        ("wide-image-stride-2", (1, 31, 40, 3), (3, 3), {"stride": (2, 2)}),
        ("wide-image-valid", (1, 33, 47, 2), (5, 3), {"padding": "VALID"}),
        ("tall-image-dilated", (1, 64, 33, 1), (3, 5), {"dilation": (5, 1)}),
        ("skipping-columns", (1, 40, 33, 2), (4, 1), {"stride": (1, 7)}),
    ):
        made[f"depthwise_conv2d-{name}"] = (DEPTHWISE, build(image, size, **options))
    return made


def _fully_connected() -> Cases:
    build = single_op.fully_connected
    made: Cases = {}
    for units in (1, 2, 3, 5, 8):
        for depth in (3, 4, 15, 16, 18, 21):
            made[f"fully_connected-{depth}-{units}"] = (
                DENSE,
                build((1, depth), units, per_channel=units % 2 == 1),
            )
    for depth in (3, 16, 18, 200):
        made[f"fully_connected-wide-{depth}"] = (
            DENSE_WIDE,
            build((2, depth), 17, per_channel=True, activation="relu"),
        )
    for depth in (515, 516, 520, 522, 1026, 2050):  # more than one chunk beyond 515 or so
        made[f"fully_connected-extreme-{depth}"] = (
            DENSE,
            build((1, depth), 5, weights="extreme", source=(0.05, -128)),
        )
    made["fully_connected-wide-extreme"] = (
        DENSE_WIDE,
        build((1, 256), 16, weights="extreme", source=(0.05, 127)),
    )
    return made


def _lstm() -> Cases:
    made: Cases = {
        f"lstm-{depth}-{units}": (LSTM, single_op.lstm(2, depth, units))
        for depth, units in ((1, 3), (16, 16), (35, 20))
    }
    for zero in (-128, 127):  # more than one chunk
        made[f"lstm-deep-{zero}"] = (
            LSTM,
            single_op.lstm(3, 1030, 2, source=(0.05, zero), gain=0.02, clip=2.0),
        )
    return made


def _pools() -> Cases:
    build = single_op.pool2d
    name = "AVERAGE_POOL_2D"
    return {
        "average_pool2d-255-pixels": (POOL, build(name, (1, 51, 5, 8), (51, 5))),
        "average_pool2d-256-pixels": ("pool2d_s8", build(name, (1, 64, 4, 8), (64, 4))),
        "average_pool2d-same-dsp": (
            POOL,
            build(name, (1, 5, 4, 12), (3, 3), stride=(2, 2), padding="SAME"),
        ),
        "average_pool2d-overlapping-dsp": (POOL, build(name, (1, 6, 5, 4), (2, 3))),
        "average_pool2d-relu-dsp": (
            POOL,
            build(name, (1, 4, 4, 4), source=(0.05, -10), activation="relu"),
        ),
    }


def _max_pools() -> Cases:
    build = single_op.pool2d
    name = "MAX_POOL_2D"
    return {
        "max_pool2d-dsp": (POOL, build(name, (1, 8, 6, 8), (2, 2), stride=(2, 2))),
        "max_pool2d-same-dsp": (
            POOL,
            build(name, (1, 7, 5, 12), (3, 4), stride=(2, 1), padding="SAME"),
        ),
        "max_pool2d-relu6-dsp": (
            POOL,
            build(name, (1, 6, 4, 4), (3, 1), source=(0.05, -20), activation="relu6"),
        ),
        "max_pool2d-odd-channels": ("pool2d_s8", build(name, (1, 6, 4, 6), (2, 2))),
    }


def _means() -> Cases:
    build = single_op.mean
    fine, coarse = (0.05, 127), (0.11, -128)
    return {
        "mean-image-dsp": (MEAN, build((1, 17, 15, 8), (1, 2), fine, coarse)),
        "mean-too-many": ("mean_s8", build((1, 16, 16, 4), (1, 2), fine, fine)),
        "mean-height-dsp": (MEAN, build((1, 9, 5, 4), (1,), coarse, fine)),
        "mean-width-dsp": (MEAN, build((1, 3, 7, 12), (2,), fine, fine, keep=True)),
        "mean-channels": ("mean_s8", build((1, 3, 7, 12), (3,), fine, fine)),
    }


def _binaries() -> Cases:
    made: Cases = {}
    fine, coarse = (0.05, 3), (0.1, -128)
    for builtin in ("ADD", "SUB"):
        for name, first, second, result in (
            ("equal-scales", fine, fine, (0.1, -5)),  # halves: every second sum is a tie
            ("finer-first", fine, coarse, (0.13, 127)),
            ("far-apart", (0.0001, 127), coarse, (0.11, 0)),
        ):
            made[f"{builtin.lower()}-{name}"] = (
                BINARY,
                single_op.binary(builtin, (1, 300), (1, 300), first, second, result),
            )
    for builtin, result in (("ADD", (0.12, 9)), ("SUB", (0.12, 127)), ("MUL", (0.3, -7))):
        made |= {
            f"{builtin.lower()}-{name}": (
                BINARY,
                single_op.binary(builtin, (1, 5, 4, 6), other, fine, coarse, result, **options),
            )
            for name, other, options in (
                ("channels", (6,), {}),
                ("rows", (1, 1, 4, 6), {"activation": "relu"}),
                ("columns", (1, 5, 1, 6), {}),
                ("one-each", (1, 5, 4, 1), {"activation": "relu6"}),
            )
        }
    made["mul-small-output"] = (  # the product is scaled up
        "binary_s8",
        single_op.binary("MUL", (1, 50), (1, 50), (0.5, 3), (0.9, -7), (0.1, 0)),
    )
    return made


def cases() -> Cases:
    """Return every case: its name, the kernel that must take it, and the model."""
    linear = _convolutions() | _depthwise() | _fully_connected() | _lstm()
    return linear | _pools() | _max_pools() | _means() | _binaries() | int16()


def int16() -> Cases:
    """Return the cases with int16 activations."""
    conv, dense, lstm = "conv2d_s16_dsp", "fully_connected_s16_dsp", "lstm_s16_dsp"
    made: Cases = {
        f"conv2d-int16-{pixels}-pixels": (conv, build((1, 1, pixels, 6), (4, 1, 3)))
        for build in [int16_cases.conv2d]
        for pixels in (2, 3, 4, 5, 7)
    }
    made |= {
        f"conv2d-int16-depth-{depth}": (conv, int16_cases.conv2d((1, 2, 3, depth), (5, 1, 1)))
        for depth in (1, 2, 3, 4, 6, 18)
    }
    made |= {
        "conv2d-int16-dsp-in-place": (conv, int16_cases.conv2d((1, 5, 6, 6), (6, 3, 3))),
        "conv2d-int16-dsp-one-output": (conv, int16_cases.conv2d((1, 5, 4, 4), (1, 3, 3))),
        "conv2d-int16-dsp-relu": (conv, int16_cases.conv2d(activation="relu6")),
        "conv2d-int16-dsp-lowest": (conv, int16_cases.conv2d(weights="lowest")),
        "conv2d-int16-dsp-most": (  # 500 * 127 * 32768 and the bias, below 2**31
            conv,
            int16_cases.conv2d((1, 1, 5, 500), (3, 1, 1), weights="extreme"),
        ),
        "conv2d-int16-dsp-too-much": (
            "conv2d_s16",
            int16_cases.conv2d((1, 1, 5, 520), (3, 1, 1), weights="extreme"),
        ),
        "conv2d-int16-dsp-int32-bias": ("conv2d_s16", int16_cases.conv2d(bias_type=np.int32)),
    }
    plane = "depthwise_conv2d_s16_dsp"
    for size in ((3, 3), (1, 1), (2, 4), (3, 1), (1, 3), (4, 2), (5, 5), (3, 7)):
        for stride in (1, 2):
            made[f"depthwise_conv2d-int16-{size[0]}x{size[1]}-{stride}"] = (
                plane,
                int16_cases.depthwise_conv2d((1, 8, 7, 3), size, stride=(stride, stride)),
            )
    made |= {
        "depthwise_conv2d-int16-dsp-valid": (
            plane,
            int16_cases.depthwise_conv2d((1, 9, 7, 5), (3, 5), padding="VALID"),
        ),
        "depthwise_conv2d-int16-dsp-dilated": (
            plane,
            int16_cases.depthwise_conv2d((1, 9, 7, 4), (3, 3), dilation=(2, 1)),
        ),
        "depthwise_conv2d-int16-dsp-lowest": (
            plane,
            int16_cases.depthwise_conv2d((1, 6, 5, 4), weights="lowest", activation="relu"),
        ),
        "depthwise_conv2d-int16-dsp-too-wide": (
            "depthwise_conv2d_by_channel_s16",
            int16_cases.depthwise_conv2d((1, 6, 5, 4), dilation=(1, 2)),
        ),
    }
    for units in (1, 3, 4, 6):
        for depth in (1, 4, 7, 18):
            made[f"fully_connected-int16-{depth}-{units}"] = (
                dense,
                int16_cases.fully_connected((2, depth), units, per_channel=units % 2 == 1),
            )
    for depth, units in ((4, 5), (7, 3), (1, 1), (6, 8)):
        made[f"unidirectional_sequence_lstm-int16-{depth}-{units}"] = (
            lstm,
            single_op.lstm(
                4, depth, units, source=(0.0002, 0), hidden=(2.0**-15, 0), dtype=np.int16
            ),
        )
    return made
