"""What is drawn from a trained model: samples, paths between latents, the gallery of a run."""
