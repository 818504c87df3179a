"""From a float model to a full-integer .tflite."""
