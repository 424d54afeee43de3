"""Sweeps: which runs, in which groups and waves, and what came out of them."""
