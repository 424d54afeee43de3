"""Pages that are one HTML file: how they are made, and what they share."""
