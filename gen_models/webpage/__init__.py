"""Makes pages that are one HTML file each, with a shared frame, style and modules."""
