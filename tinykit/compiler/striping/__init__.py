"""Chains of ops carried out stripe by stripe, where tensors between them need too much RAM."""

from tinykit.compiler.striping.search import STRIPES, Striping, stripe

__all__ = ["STRIPES", "Striping", "stripe"]
