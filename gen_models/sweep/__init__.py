"""Sweeps: the plan of their runs in groups and waves, its execution, and the results."""
