"""The constants of the `micro` front end as C."""

from __future__ import annotations

from tinykit.audio.ctable import array, pairs
from tinykit.audio.micro_tables import MicroTables, tables
from tinykit.audio.spec import FeatureSpec

KERNELS = ("tk_micro.h", "tk_micro_fft.h", "tk_pair.h")


def text(spec: FeatureSpec) -> str:
    """Return what `tk_features_tables.h` holds for a specification of kind `micro`."""
    constants = tables(spec)
    return _arrays(constants) + _params(spec, constants)


def _arrays(constants: MicroTables) -> str:
    weights = [weight for band in constants.bands.weights for weight in band]
    used = constants.twiddle[: 3 * len(constants.twiddle) // 4]
    return "".join(
        [
            array("int16_t", "tk_features_window", constants.window, "TK_ALIGNED(4) "),
            array("uint16_t", "tk_features_order", constants.order),
            array("tk_q15x2", "tk_features_twiddle", pairs(used)),
            array("tk_q15x2", "tk_features_split_twiddle", pairs(constants.split_twiddle)),
            array("uint16_t", "tk_features_band_bins", map(len, constants.bands.weights)),
            array("uint16_t", "tk_features_weights", weights),
            array("int16_t", "tk_features_gain", constants.gain),
            array("uint16_t", "tk_features_log", constants.log),
        ]
    )


def _params(spec: FeatureSpec, constants: MicroTables) -> str:
    even, odd = (constants.smoothing[index % len(constants.smoothing)] for index in (0, 1))
    return f"""
static const tk_micro_fft_params tk_features_fft = {{
    .window = tk_features_window,
    .order = tk_features_order,
    .twiddle = tk_features_twiddle,
    .split_twiddle = tk_features_split_twiddle,
    .window_samples = {spec.window_samples},
    .half = {spec.fft_size // 2},
    .radix = {constants.radix},
}};

static const tk_micro_params tk_features_micro = {{
    .band_bins = tk_features_band_bins,
    .weights = tk_features_weights,
    .gain = tk_features_gain,
    .log = tk_features_log,
    .first_bin = {constants.bands.first},
    .mel_bins = {spec.mel_bins},
    .smoothing_bits = {spec.micro.smoothing_bits},
    .even_smoothing = {even},
    .odd_smoothing = {odd},
    .least = {constants.least},
    .snr_shift = {constants.snr_shift},
    .correction_bits = {constants.correction_bits},
    .log_shift = {spec.micro.log_shift},
    .multiplier = INT64_C({constants.multiplier}),
    .bias = INT64_C({constants.bias}),
}};
"""
