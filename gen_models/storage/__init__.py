"""What is written to disk, and how: whole files, caches, named tensors. Nothing here knows a model
or a run."""
