"""Sampling from trained models: samples, paths between latents, the gallery of a run."""
