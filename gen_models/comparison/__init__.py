"""Comparison of runs side by side, as one page and one picture."""
