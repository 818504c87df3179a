"""Modelled cycles: instructions that an emulator counted, times a published timing table."""

from tinykit.cycles.modelled import Modelled, modelled

__all__ = ["Modelled", "modelled"]
