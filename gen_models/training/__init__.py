"""Training of runs: one alone or several in one program, on one device or several machines."""
