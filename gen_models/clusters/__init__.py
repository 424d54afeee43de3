"""Clusters: images grouped without their labels, then scored by them."""
