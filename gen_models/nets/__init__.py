"""Networks, the only part of the package that imports flax.linen."""
