"""The layouts in which `conv` computes its three maps, one a file."""
