"""Fitting and measuring a model."""
