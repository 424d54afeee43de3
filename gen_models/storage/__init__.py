"""Writing to disk: whole files, caches, named tensors. This package is independent of models and
runs."""
