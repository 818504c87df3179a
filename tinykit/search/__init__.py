"""Budgets and the search for models that meet them."""
