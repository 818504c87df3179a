"""From an int8 .tflite to plain C with a static memory plan."""
