"""Firmware projects: generation, build, flash."""
