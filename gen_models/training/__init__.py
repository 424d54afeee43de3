"""How runs are trained: one alone, several in one program, on one device or many machines."""
