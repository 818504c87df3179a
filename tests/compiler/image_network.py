"""Builds image models, whose first layers are large, for the tests of stripes."""

from __future__ import annotations

from time_network import SAME, TimeNetwork


class ImageNetwork(TimeNetwork):
    """A chain of int8 layers on (1, rows, columns, channels)."""

    def block(self, channels: int, stride: int = 1) -> ImageNetwork:
        """Two 3x3 convolutions beside a shortcut, as in ResNet."""
        before, shape = self._end, self.shape
        self.conv(channels, (3, 3), (stride, stride), padding=SAME)
        self.conv(channels, (3, 3), padding=SAME)
        branch, branch_shape = self._end, self.shape
        self._end, self.shape = before, shape
        if stride != 1 or channels != shape[3]:
            self.conv(channels, (1, 1), (stride, stride), padding=SAME)
        self._join("ADD", "AddOptions", branch, branch_shape)
        return self

    def separable(self, channels: int, stride: int = 1) -> ImageNetwork:
        """A 3x3 depthwise convolution and a pointwise one, as in MobileNet."""
        self.depthwise((3, 3), (stride, stride), padding=SAME)
        self.conv(channels, (1, 1), padding=SAME)
        return self


def mobilenet(size: int = 96) -> bytes:
    """Return the first MobileNet layers at a width of a quarter, as visual wake words have them."""
    net = ImageNetwork((1, size, size, 3))
    net.conv(8, (3, 3), (2, 2), padding=SAME)
    for channels, stride in ((16, 1), (32, 2), (32, 1), (64, 2), (64, 1), (128, 2)):
        net.separable(channels, stride)
    net.pool("AVERAGE_POOL_2D", net.shape[1:3])
    return net.dense(2).softmax().build()


def resnet() -> bytes:
    """Return ResNet-8 on 32 x 32 x 3."""
    net = ImageNetwork((1, 32, 32, 3))
    net.conv(16, (3, 3), padding=SAME)
    net.block(16).block(32, 2).block(64, 2)
    net.pool("AVERAGE_POOL_2D", net.shape[1:3])
    return net.dense(10).softmax().build()
