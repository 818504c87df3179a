"""One file per task: constants on top, then a flat flow."""
