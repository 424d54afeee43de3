"""A card tried out: whether it computes the same, and how fast. One module a part of the report."""
