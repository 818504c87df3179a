"""The fixed-point functions approximate the real ones. (Their bits are tested with the ops.)"""

from __future__ import annotations

import numpy as np

from tinykit.compiler import fixedpoint

Q0 = 2.0**31


def test_exponential() -> None:
    """`exp` of Q5 values to six decimal places."""
    raw = np.linspace(-(2**31) + 1, 0, 4001).astype(np.int64)
    result = fixedpoint.exp_on_negative_values(raw, 5) / Q0
    np.testing.assert_allclose(result, np.exp(raw / 2.0**26), atol=1e-6)


def test_logistic_and_tanh() -> None:
    """Both sides of zero, and zero itself, from Q4."""
    raw = np.linspace(-(2**31) + 1, 2**31 - 1, 4001).astype(np.int64)
    x = raw / 2.0**27
    np.testing.assert_allclose(fixedpoint.logistic(raw, 4) / Q0, 1 / (1 + np.exp(-x)), atol=1e-6)
    np.testing.assert_allclose(fixedpoint.tanh(raw, 4) / Q0, np.tanh(x), atol=1e-6)
    assert fixedpoint.logistic(0, 4) == 1 << 30
    assert fixedpoint.tanh(0, 4) == 0


def test_reciprocal() -> None:
    """A reciprocal comes normalized, with its exponent."""
    raw = np.array([1 << 19, 3 << 19, 12345678, (1 << 31) - 1])
    scale, bits = fixedpoint.reciprocal(raw, 12)
    np.testing.assert_allclose(scale / Q0 * 2.0**-bits, 1 / (raw / 2.0**19), rtol=1e-8)


def test_softmax_table_marks_what_is_skipped() -> None:
    """With a large scale only the nearest differences count; with a small one, all do."""
    steep = fixedpoint.softmax_exponentials(1.0, np.float32(2.0))
    assert steep[0] == fixedpoint.ONE
    assert (steep[20:] == -1).all()
    flat = fixedpoint.softmax_exponentials(1.0, np.float32(0.01))
    np.testing.assert_allclose(flat / Q0, np.exp(-0.01 * np.arange(256)), atol=1e-6)
