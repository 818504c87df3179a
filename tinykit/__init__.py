"""tinykit: from an audio task and a budget to firmware proven over serial."""

__version__ = "0.1.0"
