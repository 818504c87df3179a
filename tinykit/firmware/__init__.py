"""Firmware projects: `generate` them, `build` them, flash them with a runner.

PlatformIO is called from here only.
"""
