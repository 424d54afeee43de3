"""Data sets: IDX files, where they are found and fetched, batches, pixels as bytes and numbers."""
