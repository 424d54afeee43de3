"""The layouts in which `conv` computes its three maps, one per file."""
