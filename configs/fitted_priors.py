"""VAEs whose latents are drawn from a mixture fitted to their codes during training, instead of
from the standard normal (docs/models.md, What a VAE is drawn from), one row per model. Training is
the same.

All rows: Fashion-MNIST, with the steps of the scoreboard, which shows these rows beside the
defaults.

python -m experiments.train --config configs/fitted_priors.py:vae
"""

common = {"dataset": "fashion_mnist", "steps": 5000, "prior_components": 256}
vae = {"model": "vae"}
cvae = {"model": "cvae"}
iwae = {"model": "iwae"}
