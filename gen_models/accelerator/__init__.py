"""Report on a card (GPU or TPU): is it right, and how fast? One module per part of the report."""
