"""Random legal models, int8 or 16x8: graphs of many ops, as no one would draw but any tool may.

Each op takes values that exist already, so that graphs branch and join by themselves; shapes are
odd, zero points extreme, constants shared, and some intermediate values are outputs as well.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tinykit.compiler.writer import TfliteWriter

MAX_ELEMENTS = 3000  # of one value: the graphs shall be odd, not big
MAX_TAPS = 4000  # elements of one filter
LEAST_FOR_SIX = 1e-8  # scale: with less, int32 cannot hold a 6, and TFLM has no answer

_ZERO_POINTS = (-128, -127, -77, -1, 0, 3, 64, 127)
_ACTIVATIONS = (0, 0, 0, 1, 2, 3)  # none, ReLU, -1 to 1, ReLU6


@dataclass(frozen=True)
class Value:
    """A tensor that ops may read."""

    key: int
    shape: tuple[int, ...]
    scale: float
    zero_point: int
    constant: bool = False

    @property
    def size(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


def random_graph(noise: random.Random, least: int = 3, most: int = 15) -> bytes:
    """Return a .tflite of about `least` to `most` ops, each drawn from `noise`."""
    return _grown(_Network(noise), least, most)


def random_graph_16x8(noise: random.Random, least: int = 3, most: int = 15) -> bytes:
    """Return the same with int16 activations; some inputs and outputs are int8."""
    return _grown(_Network16(noise), least, most)


def _grown(network: _Network, least: int, most: int) -> bytes:
    for _ in range(network.noise.randint(least, most)):
        network.grow()
    return network.build()


class _Network:
    """A graph that grows op by op."""

    dtype: type = np.int8
    spread = 74  # deviation of uniform values
    gain = 40  # of a product's scale, with which outputs use their range
    scales = (0.003, 0.05, 0.3)  # of inputs
    most_scale = math.inf  # that LOGISTIC, TANH and SOFTMAX can read
    products = (1e-8, 1e3)  # scales of products: QUANTIZE can bring those of others to them
    ops: Sequence[Callable[[_Network, Value], bool]]

    def __init__(self, noise: random.Random) -> None:
        self.noise = noise
        self.rng = np.random.default_rng(noise.getrandbits(32))
        self.writer = TfliteWriter()
        self.values: list[Value] = []
        self.read: set[int] = set()
        self.results: list[Value] = []
        self.filters: dict[tuple[tuple[int, ...], int], tuple[int, np.ndarray]] = {}
        self.constants: dict[tuple[int, ...], int] = {}
        self.inputs = [self._input() for _ in range(noise.choice((1, 1, 1, 2, 3)))]

    def grow(self) -> None:
        """Add one op, after some tries: not every op suits every value."""
        for _ in range(20):
            x = self.pick()
            if self.noise.choice(self.ops)(self, x):
                return

    def build(self) -> bytes:
        """Return the model. What nobody read is an output, mostly; so are a few other values."""
        if not self.results:
            _relu(self, self.values[0])
        ends = [value for value in self.results if value.key not in self.read]
        kept = [value for value in ends if self.noise.random() < 0.9] or ends[:1]
        kept += [
            value for value in self.results if value.key in self.read and self.noise.random() < 0.15
        ]
        self.noise.shuffle(kept)
        return self.writer.build(self.inputs, [v.key for v in kept])

    def pick(self) -> Value:
        """Return a value, one of the last more often than not."""
        recent = self.values[-3:] if self.noise.random() < 0.6 else self.values
        return self.noise.choice(recent)

    def _input(self) -> int:
        image = (1, self.noise.randint(1, 9), self.noise.randint(1, 7), self.noise.randint(1, 9))
        shape = self.noise.choice((image, image, image, image[:3], (1, image[1] * image[2])))
        return self.source(shape)

    def source(self, shape: tuple[int, ...]) -> int:
        """Add an input of the model and a value; return the input's number."""
        scale, zero_point = self.noise.choice(self.scales), self.zero_point()
        key = self.writer.tensor("x", shape, self.dtype, scale=scale, zero_point=zero_point)
        self.values.append(Value(key, shape, float(np.float32(scale)), zero_point))
        return key

    def sigmoid_unit(self, builtin: str) -> tuple[float, int]:
        """Return scale and zero point of what LOGISTIC, TANH or SOFTMAX gives."""
        return (1 / 128, 0) if builtin == "TANH" else (1 / 256, -128)

    def result(self, shape: Sequence[int], scale: float, zero_point: int) -> Value:
        """Return a new value, not written yet."""
        name = f"v{len(self.results)}"
        key = self.writer.tensor(name, shape, self.dtype, scale=scale, zero_point=zero_point)
        return Value(key, tuple(shape), float(np.float32(scale)), zero_point)

    def like(self, x: Value, shape: Sequence[int]) -> Value:
        """Return a new value with the quantization of `x`."""
        return self.result(shape, x.scale, x.zero_point)

    def constant(self, shape: Sequence[int], scale: float, zero_point: int) -> Value:
        """Return a constant value."""
        low, high = np.iinfo(self.dtype).min, np.iinfo(self.dtype).max
        data = self.rng.integers(low, high + 1, tuple(shape)).astype(self.dtype)
        key = self.writer.constant("c", data, scale=scale, zero_point=zero_point)
        return Value(key, tuple(shape), float(np.float32(scale)), zero_point, True)

    def parameter(self, values: Sequence[int] | Sequence[Sequence[int]]) -> int:
        """Return an int32 constant; equal ones are one tensor."""
        data = np.array(values, np.int32)
        name = (*data.shape, -1, *data.ravel().tolist())
        if name not in self.constants:
            self.constants[name] = self.writer.constant("p", data)
        return self.constants[name]

    def op(
        self,
        builtin: str,
        inputs: Sequence[Value | int | None],
        outputs: Sequence[Value],
        options: str = "",
        **values: object,
    ) -> bool:
        """Add an op; its outputs may be read from now on."""
        keys = [value.key if isinstance(value, Value) else value for value in inputs]
        if values.get("fusedActivationFunction") and outputs[0].scale < LEAST_FOR_SIX:
            values["fusedActivationFunction"] = 0
        self.writer.op(builtin, keys, [value.key for value in outputs], options, **values)
        self.read.update(key for key in keys if key is not None)
        self.values += outputs
        self.results += outputs
        return True

    def hide(self, count: int) -> None:
        """Let nobody else read the last `count` values but the newest one, nor the caller."""
        del self.values[-count:-1]
        del self.results[-count:-1]

    def zero_point(self) -> int:
        """Return a zero point, often an extreme one."""
        return self.noise.choice(_ZERO_POINTS)

    def near(self, scale: float) -> float:
        """Return another scale, not far away."""
        return scale * self.noise.choice((0.3, 0.77, 1.0, 1.3, 2.0))

    def bias_dtype(self, axis: int, terms: int) -> type:
        """Return a dtype for the bias where the output channel is `axis` of the filter."""
        return np.int32

    def can_become(self, value: Value, x: Value) -> bool:
        """Whether QUANTIZE can give `value` the scale of `x`."""
        return value.scale / x.scale < (1 << 13 if self.dtype is np.int16 else 1 << 21)

    def filter(
        self, shape: tuple[int, ...], axis: int, source: Value
    ) -> tuple[list[int | None], float]:
        """Return filter and bias of a linear op, and a scale with which outputs use their range.

        A filter of the same shape and axis may be the one of an earlier op.
        """
        if (shape, axis) in self.filters and self.noise.random() < 0.5:
            key, scales = self.filters[shape, axis]
        else:
            count = shape[axis] if self.noise.random() < 0.7 else 1
            scales = self.rng.uniform(0.001, 0.02, count).astype(np.float32)
            data = self.rng.integers(-127, 128, shape).astype(np.int8)
            if self.noise.random() < 0.1:
                data[...] = self.noise.choice((0, 127, -127, -128))
            elif self.noise.random() < 0.4:
                self._kill(data, axis, scales)
            key = self.writer.constant("filter", data, scale=scales, axis=axis)
            self.filters[shape, axis] = key, scales
        channels = shape[axis]
        terms = math.prod(shape) // channels
        bias = None
        if self.noise.random() < 0.8:
            reach = self.spread * 40
            values = self.rng.integers(-reach, reach, channels).astype(self.bias_dtype(axis, terms))
            if self.noise.random() < 0.2:  # so low or high that an activation clamps some always
                most = (1 << 29) // reach if values.dtype == np.int32 else 4000
                values[self.rng.random(channels) < 0.4] *= min(4000, most)
            bias = self.writer.constant("bias", values, scale=np.float32(source.scale) * scales)
        spread = source.scale * float(scales.mean()) * 74 * self.spread
        fine = self.noise.choice((10, 50, 127)) * self.spread / 74
        return [key, bias], spread * math.sqrt(terms) / fine

    def _kill(self, data: np.ndarray, axis: int, scales: np.ndarray) -> None:
        """Leave filters of zeros and inputs that no filter reads, as training does."""
        dead = self.rng.random(data.shape[axis]) < self.noise.choice((0.2, 0.5, 0.9))
        np.moveaxis(data, axis, 0)[dead] = 0
        if scales.size > 1 and self.noise.random() < 0.5:
            scales[dead] = 1e-8  # what converters give them
        if axis == 0:
            data[..., self.rng.random(data.shape[-1]) < self.noise.choice((0.0, 0.3, 0.8))] = 0


def _is_image(x: Value) -> bool:
    return len(x.shape) == 4 and x.shape[0] == 1


def _window(
    network: _Network, x: Value, dilate: bool
) -> tuple[tuple[int, int], tuple[int, int], dict[str, int]] | None:
    """Draw a window over `x`; return its size, the size of the output and the options."""
    noise = network.noise
    size, out, options = [], [], {"padding": noise.randint(0, 1)}
    for length, name in zip(x.shape[1:3], "HW", strict=True):
        taps = noise.choice((1, 1, 2, 3, 3, 4, 5, length))
        step, gap = noise.choice((1, 1, 1, 2, 3)), noise.choice((1, 1, 1, 2)) if dilate else 1
        span = (taps - 1) * gap + 1
        if span > length and options["padding"] == 1:
            return None
        size.append(taps)
        out.append(-(-length // step) if options["padding"] == 0 else (length - span) // step + 1)
        options[f"stride{name}"] = step
        if dilate:
            options[f"dilation{name}Factor"] = gap
    return (size[0], size[1]), (out[0], out[1]), options


def _conv2d(network: _Network, x: Value) -> bool:
    if not _is_image(x) or (found := _window(network, x, dilate=True)) is None:
        return False
    size, out, options = found
    channels = network.noise.randint(1, 17)
    shape = (channels, *size, x.shape[3])
    if math.prod(shape) > MAX_TAPS or math.prod(out) * channels > MAX_ELEMENTS:
        return False
    weights, scale = network.filter(shape, 0, x)
    y = network.result((1, *out, channels), scale, network.zero_point())
    activation = network.noise.choice(_ACTIVATIONS)
    return network.op(
        "CONV_2D",
        [x, *weights],
        [y],
        "Conv2DOptions",
        fusedActivationFunction=activation,
        **options,
    )


def _depthwise(network: _Network, x: Value) -> bool:
    if not _is_image(x) or (found := _window(network, x, dilate=True)) is None:
        return False
    size, out, options = found
    multiplier = network.noise.choice((1, 1, 1, 2, 3))
    channels = multiplier * x.shape[3]
    shape = (1, *size, channels)
    if math.prod(shape) > MAX_TAPS or math.prod(out) * channels > MAX_ELEMENTS:
        return False
    weights, scale = network.filter(shape, 3, x)
    weights = [key for key in weights if key is not None]  # -1 for no bias crashes TFLM here
    y = network.result((1, *out, channels), scale, network.zero_point())
    return network.op(
        "DEPTHWISE_CONV_2D",
        [x, *weights],
        [y],
        "DepthwiseConv2DOptions",
        depthMultiplier=multiplier,
        fusedActivationFunction=network.noise.choice(_ACTIVATIONS),
        **options,
    )


def _dense(network: _Network, x: Value) -> bool:
    depth = network.noise.choice((x.shape[-1], x.size)) if x.shape else 1
    units = network.noise.randint(1, 20)
    if units * depth > MAX_TAPS or not x.shape:
        return False
    weights, scale = network.filter((units, depth), 0, x)
    y = network.result((x.size // depth, units), scale, network.zero_point())
    return network.op(
        "FULLY_CONNECTED",
        [x, *weights],
        [y],
        "FullyConnectedOptions",
        fusedActivationFunction=network.noise.choice(_ACTIVATIONS),
    )


def _pool(network: _Network, x: Value) -> bool:
    if not _is_image(x) or (found := _window(network, x, dilate=False)) is None:
        return False
    size, out, options = found
    y = network.like(x, (1, *out, x.shape[3]))
    return network.op(
        network.noise.choice(("AVERAGE_POOL_2D", "MAX_POOL_2D")),
        [x],
        [y],
        "Pool2DOptions",
        filterHeight=size[0],
        filterWidth=size[1],
        fusedActivationFunction=network.noise.choice(_ACTIVATIONS),
        **options,
    )


def _mean(network: _Network, x: Value) -> bool:
    if len(x.shape) < 2:
        return False
    axes = (1, 2) if _is_image(x) else (network.noise.randrange(1, len(x.shape)),)
    keep = network.noise.random() < 0.5
    shape = [1 if i in axes else n for i, n in enumerate(x.shape) if keep or i not in axes]
    y = network.result(shape, network.near(x.scale), network.zero_point())
    return network.op(
        "MEAN", [x, network.parameter(list(axes))], [y], "ReducerOptions", keepDims=keep
    )


def _reduce(network: _Network, x: Value) -> bool:
    if len(x.shape) < 2 or network.dtype is np.int16:
        return False
    count = network.noise.randint(1, min(2, len(x.shape) - 1))
    axes = sorted(network.noise.sample(range(1, len(x.shape)), count))
    keep = network.noise.random() < 0.5
    shape = [1 if i in axes else n for i, n in enumerate(x.shape) if keep or i not in axes]
    builtin = network.noise.choice(("REDUCE_MAX", "REDUCE_MIN"))
    given = [x, network.parameter(axes)]
    return network.op(builtin, given, [network.like(x, shape)], "ReducerOptions", keepDims=keep)


def _partner(network: _Network, x: Value) -> Value:
    """Return something that broadcasts against `x`: a value, `x` itself or a constant."""
    fitting = [v for v in network.values if v.shape == x.shape]
    if network.noise.random() < 0.7:
        return network.noise.choice(fitting)
    shape = [n if network.noise.random() < 0.6 else 1 for n in x.shape]
    shape = shape[network.noise.randrange(len(shape) + 1) :]
    return network.constant(shape, network.near(x.scale), network.zero_point())


def _sum(network: _Network, x: Value) -> bool:
    other = _partner(network, x)
    pair = [x, other] if network.noise.random() < 0.5 else [other, x]
    y = network.result(x.shape, network.near(x.scale + other.scale), network.zero_point())
    builtin, options = network.noise.choice((("ADD", "AddOptions"), ("SUB", "SubOptions")))
    activation = network.noise.choice(_ACTIVATIONS)
    return network.op(builtin, pair, [y], options, fusedActivationFunction=activation)


def _product(network: _Network, x: Value) -> bool:
    other = _partner(network, x)
    scale = network.near(x.scale * other.scale * network.gain)
    if not network.products[0] < scale < network.products[1]:
        return False
    y = network.result(x.shape, scale, network.zero_point())
    activation = network.noise.choice(_ACTIVATIONS)
    return network.op("MUL", [x, other], [y], "MulOptions", fusedActivationFunction=activation)


def _requantized(network: _Network, other: Value, x: Value) -> Value:
    """Return `other` with the quantization of `x`: by a QUANTIZE where it has another one."""
    if (other.scale, other.zero_point) == (x.scale, x.zero_point):
        return other
    made = network.like(x, other.shape)
    network.op("QUANTIZE", [other], [made])
    return made


def _extreme(network: _Network, x: Value) -> bool:
    fitting = [v for v in network.values if v.shape == x.shape and network.can_become(v, x)]
    other = network.noise.choice(fitting)
    other = _requantized(network, other, x)
    y = network.like(x, x.shape)
    return network.op(network.noise.choice(("MINIMUM", "MAXIMUM")), [x, other], [y])


def _relu(network: _Network, x: Value) -> bool:
    y = network.like(x, x.shape)
    if network.noise.random() < 0.7:
        y = network.result(x.shape, network.near(x.scale), network.zero_point())
    return network.op("RELU", [x], [y])


def _relu6(network: _Network, x: Value) -> bool:
    if x.scale < LEAST_FOR_SIX:
        return False
    return network.op("RELU6", [x], [network.like(x, x.shape)])


def _leaky_relu(network: _Network, x: Value) -> bool:
    y = network.result(x.shape, network.near(x.scale), network.zero_point())
    alpha = network.noise.choice((0.1, 0.3, -0.5))
    return network.op("LEAKY_RELU", [x], [y], "LeakyReluOptions", alpha=alpha)


def _hard_swish(network: _Network, x: Value) -> bool:
    if network.dtype is np.int16:
        return False
    if not 1e-4 < x.scale < 2:
        return False
    y = network.result(x.shape, network.near(x.scale), network.zero_point())
    return network.op("HARD_SWISH", [x], [y])


def _sigmoid(network: _Network, x: Value) -> bool:
    if not 1e-6 < x.scale < network.most_scale:
        return False
    builtin = network.noise.choice(("LOGISTIC", "TANH"))
    return network.op(builtin, [x], [network.result(x.shape, *network.sigmoid_unit(builtin))])


def _softmax(network: _Network, x: Value) -> bool:
    if (
        not x.shape or x.shape[-1] > 511 or not 1e-5 < x.scale < min(20, network.most_scale)
    ):  # TFLM aborts on some sums
        return False
    y = network.result(x.shape, *network.sigmoid_unit("SOFTMAX"))
    return network.op("SOFTMAX", [x], [y], "SoftmaxOptions", beta=1.0)


def _quantize(network: _Network, x: Value) -> bool:
    y = network.result(x.shape, network.near(x.scale), network.zero_point())
    return network.op("QUANTIZE", [x], [y])


def _concatenation(network: _Network, x: Value) -> bool:
    if not x.shape:
        return False
    axis = network.noise.randrange(len(x.shape))
    if len(x.shape) > 1 and axis == 0:
        axis = 1  # the batch stays 1

    def rest(value: Value) -> tuple[int, ...]:
        return value.shape[:axis] + value.shape[axis + 1 :]

    fitting = [v for v in network.values if len(v.shape) == len(x.shape) and rest(v) == rest(x)]
    parts = [x, *network.noise.choices(fitting, k=network.noise.randint(1, 3))]
    length = sum(part.shape[axis] for part in parts)
    if x.size // x.shape[axis] * length > MAX_ELEMENTS:
        return False
    parts = [_requantized(network, part, x) for part in parts]
    network.noise.shuffle(parts)
    y = network.like(x, (*x.shape[:axis], length, *x.shape[axis + 1 :]))
    given = axis - len(x.shape) if network.noise.random() < 0.3 else axis
    return network.op("CONCATENATION", parts, [y], "ConcatenationOptions", axis=given)


def _split(network: _Network, x: Value) -> bool:
    choices = [(i, n) for i, size in enumerate(x.shape) for n in (2, 3, 4) if size % n == 0]
    if not choices:
        return False
    axis, count = network.noise.choice(choices)
    shape = (*x.shape[:axis], x.shape[axis] // count, *x.shape[axis + 1 :])
    parts = [network.like(x, shape) for _ in range(count)]
    return network.op(
        "SPLIT", [network.parameter([axis]), x], parts, "SplitOptions", numSplits=count
    )


def _pack(network: _Network, x: Value) -> bool:
    if not 1 <= len(x.shape) <= 3 or 3 * x.size > MAX_ELEMENTS:
        return False
    fitting = [v for v in network.values if v.shape == x.shape]
    parts = [x, *network.noise.choices(fitting, k=network.noise.randint(1, 2))]
    parts = [_requantized(network, part, x) for part in parts]
    axis = network.noise.randint(1, len(x.shape))
    y = network.like(x, (*x.shape[:axis], len(parts), *x.shape[axis:]))
    return network.op("PACK", parts, [y], "PackOptions", axis=axis, valuesCount=len(parts))


def _unpack(network: _Network, x: Value) -> bool:
    axes = [i for i, size in enumerate(x.shape) if size <= 4]
    if len(x.shape) < 2 or not axes:
        return False
    axis = network.noise.choice(axes)
    shape = x.shape[:axis] + x.shape[axis + 1 :]
    parts = [network.like(x, shape) for _ in range(x.shape[axis])]
    return network.op("UNPACK", [x], parts, "UnpackOptions", axis=axis, num=len(parts))


def _pad(network: _Network, x: Value) -> bool:
    if not 1 <= len(x.shape) <= 4:
        return False
    image = _is_image(x)
    widths = [
        (network.noise.randint(0, 3), network.noise.randint(0, 3))
        if axis in (1, 2) or (not image and network.noise.random() < 0.4)
        else (0, 0)
        for axis in range(len(x.shape))
    ]
    shape = [size + a + b for size, (a, b) in zip(x.shape, widths, strict=True)]
    if math.prod(shape) > MAX_ELEMENTS:
        return False
    return network.op("PAD", [x, network.parameter(widths)], [network.like(x, shape)], "PadOptions")


def _range(network: _Network, size: int) -> tuple[int, int]:
    start = network.noise.randrange(size)
    return start, network.noise.randint(1, size - start)


def _slice(network: _Network, x: Value) -> bool:
    if not 1 <= len(x.shape) <= 4:
        return False
    parts = [_range(network, size) for size in x.shape]
    begin, size = [part[0] for part in parts], [part[1] for part in parts]
    given = [network.parameter(begin), network.parameter(size)]
    return network.op("SLICE", [x, *given], [network.like(x, size)], "SliceOptions")


def _strided_slice(network: _Network, x: Value) -> bool:
    if not 1 <= len(x.shape) <= 4:
        return False
    begin, end, step, shape, shrink = [], [], [], [], 0
    for axis, size in enumerate(x.shape):
        start, count = _range(network, size)
        stride = network.noise.choice((1, 1, 2, 3))
        if axis and network.noise.random() < 0.15:
            shrink |= 1 << axis
            count, stride = 1, 1
        else:
            shape.append(-(-count // stride))
        begin.append(start)
        end.append(start + count)
        step.append(stride)
    given = [network.parameter(values) for values in (begin, end, step)]
    return network.op(
        "STRIDED_SLICE",
        [x, *given],
        [network.like(x, shape)],
        "StridedSliceOptions",
        beginMask=0,
        endMask=0,
        shrinkAxisMask=shrink,
    )


def _transpose(network: _Network, x: Value) -> bool:
    if not 2 <= len(x.shape) <= 4:
        return False
    order = list(range(len(x.shape)))
    if x.shape[0] == 1:  # mostly the batch stays in front
        rest = order[1:]
        network.noise.shuffle(rest)
        order = [0, *rest]
    else:
        network.noise.shuffle(order)
    shape = [x.shape[axis] for axis in order]
    y = network.like(x, shape)
    return network.op("TRANSPOSE", [x, network.parameter(order)], [y], "TransposeOptions")


def _reshape(network: _Network, x: Value) -> bool:
    rest, shape = x.size, [1]
    for _ in range(network.noise.randint(0, 2)):
        factor = network.noise.choice([n for n in range(1, 12) if rest % n == 0])
        shape.append(factor)
        rest //= factor
    shape.append(rest)
    given = network.parameter(shape)
    return network.op("RESHAPE", [x, given], [network.like(x, shape)], "ReshapeOptions")


def _expand(network: _Network, x: Value) -> bool:
    if not 1 <= len(x.shape) <= 3:
        return False
    axis = network.noise.randint(0, len(x.shape))
    y = network.like(x, (*x.shape[:axis], 1, *x.shape[axis:]))
    return network.op("EXPAND_DIMS", [x, network.parameter([axis])], [y], "ExpandDimsOptions")


def _squeeze(network: _Network, x: Value) -> bool:
    axes = [i for i, size in enumerate(x.shape) if size == 1]
    if len(x.shape) < 3 or not axes:
        return False
    axis = network.noise.choice(axes)
    y = network.like(x, x.shape[:axis] + x.shape[axis + 1 :])
    return network.op("SQUEEZE", [x], [y], "SqueezeOptions", squeezeDims=[axis])


def _constant(network: _Network, x: Value) -> bool:
    """Use a constant as any other value: what depends on it alone can be folded."""
    if not x.shape:
        return False
    network.values.append(network.constant(x.shape, x.scale, x.zero_point))
    return _relu(network, network.values[-1])


def _block(network: _Network, x: Value) -> bool:
    """Add two layers with something between them that nobody else reads."""
    before = len(network.values)
    if not _conv2d(network, x):
        return False
    between = (_depthwise, _pool, _relu, _quantize, _sigmoid, _leaky_relu)
    layers = (_conv2d, _conv2d, _dense, _depthwise)
    for op in (*network.noise.choices(between, k=2), network.noise.choice(layers)):
        op(network, network.values[-1])
    network.hide(len(network.values) - before)
    return True


def _chain(network: _Network, x: Value) -> bool:
    """Add functions of one value, some of them of two branches of it, that nobody else reads."""
    before = len(network.values)
    steps = (_relu, _leaky_relu, _hard_swish, _sigmoid, _quantize, _scaled, _squared)
    for op in network.noise.choices(steps, k=network.noise.randint(2, 5)):
        op(network, network.values[-1])
    if network.noise.random() < 0.7:
        network.hide(len(network.values) - before)
    return True


def _gate(network: _Network, x: Value) -> bool:
    """Add sums, products and functions of several values, that nobody else reads."""
    before = len(network.values)
    steps = (_sum, _sum, _product, _product, _sigmoid, _quantize, _relu, _extreme)
    for op in network.noise.choices(steps, k=network.noise.randint(2, 5)):
        op(network, network.values[-1])
    if network.noise.random() < 0.8:
        network.hide(len(network.values) - before)
    return True


def _scaled(network: _Network, x: Value) -> bool:
    """Add, subtract or multiply a single constant."""
    other = network.constant((), network.near(x.scale), network.zero_point())
    pair = [x, other] if network.noise.random() < 0.5 else [other, x]
    builtin, scale = network.noise.choice(
        (("ADD", x.scale), ("SUB", x.scale), ("MUL", x.scale * other.scale * network.gain))
    )
    if builtin == "MUL" and not network.products[0] < scale < network.products[1]:
        return False
    y = network.result(x.shape, network.near(2 * scale), network.zero_point())
    return network.op(builtin, pair, [y], f"{builtin.title()}Options")


def _squared(network: _Network, x: Value) -> bool:
    """Multiply or add a value and a function of itself."""
    other = x
    if network.noise.random() < 0.7 and _sigmoid(network, x):
        other = network.values[-1]
    builtin, scale = network.noise.choice(
        (("ADD", x.scale + other.scale), ("MUL", x.scale * other.scale * network.gain))
    )
    y = network.result(x.shape, network.near(scale), network.zero_point())
    return network.op(builtin, [x, other], [y], f"{builtin.title()}Options")


_OPS: tuple[Callable[[_Network, Value], bool], ...] = (
    *(_conv2d, _depthwise, _dense) * 3,
    *(_pool, _sum, _concatenation) * 2,
    *(_mean, _reduce, _product, _extreme, _relu, _relu6, _leaky_relu, _hard_swish),
    *(_sigmoid, _softmax, _quantize, _split, _pack, _unpack, _pad, _slice, _strided_slice),
    *(_transpose, _reshape, _expand, _squeeze, _constant),
    *(_block, _block, _block, _chain, _chain, _gate, _gate),
)


def _to_int8(network: _Network, x: Value) -> bool:
    """End in an int8 value, which nothing but the model's output reads."""
    key = network.writer.tensor("y8", x.shape, np.int8, scale=x.scale * 300, zero_point=-5)
    network.writer.op("QUANTIZE", [x.key], [key])
    network.read.add(x.key)
    network.results.append(Value(key, x.shape, x.scale * 300, -5))
    return True


_Network.ops = _OPS


class _Network16(_Network):
    """A graph of int16 activations and int8 weights."""

    dtype = np.int16
    spread = 18_900
    gain = 10_000
    scales = (0.00002, 0.0003, 0.002)
    most_scale = 2.0
    products = (1e-6, 1e-2)
    ops = (*_OPS, _to_int8)

    def zero_point(self) -> int:
        return 0

    def bias_dtype(self, axis: int, terms: int) -> type:
        small = axis == 0 and terms < 200  # sums with an int32 bias have 32 bits
        return np.int32 if small and self.noise.random() < 0.2 else np.int64

    def sigmoid_unit(self, builtin: str) -> tuple[float, int]:
        return 2.0**-15, 0

    def source(self, shape: tuple[int, ...]) -> int:
        if self.noise.random() < 0.8:
            return super().source(shape)
        scale = self.noise.choice((0.003, 0.05))
        key = self.writer.tensor("x8", shape, np.int8, scale=scale, zero_point=-7)
        wide = self.result(shape, scale / 250, 0)
        self.writer.op("QUANTIZE", [key], [wide.key])
        self.values.append(wide)
        self.results.append(wide)
        return key
