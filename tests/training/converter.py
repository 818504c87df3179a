"""Convert a Keras model with TensorFlow's own converter; a process of its own, for it can crash.

python converter.py model.keras calibration.npy out.tflite
"""

from __future__ import annotations

import sys

import keras
import numpy as np
import tensorflow as tf


def main(model_file: str, calibration_file: str, out: str) -> None:
    """Quantize fully to int8, ranges from the calibration clips, float32 (N, H, W, C)."""
    model = keras.models.load_model(model_file)
    calibration = np.load(calibration_file)
    # a free batch size would leave shape arithmetic in the graph
    fixed = keras.Input(batch_shape=(1, *calibration.shape[1:]))
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(fixed, model(fixed)))
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([clip[None]] for clip in calibration)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    with open(out, "wb") as file:  # noqa: PTH123
        file.write(converter.convert())


if __name__ == "__main__":
    main(*sys.argv[1:])
