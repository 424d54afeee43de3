"""Data sets: IDX files, finding and fetching them, batches, pixels as bytes and floats."""
