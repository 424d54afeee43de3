"""The VAEs drawn from a mixture that is fitted to their codes while they train, instead of the
standard normal (docs/models.md, What a VAE is drawn from), a row a model. Training is the same.

All rows: Fashion-MNIST, as many steps as the scoreboard has, which shows these rows beside the
defaults.

python -m experiments.train --config configs/fitted_priors.py:vae
"""

common = {"dataset": "fashion_mnist", "steps": 5000, "prior_components": 256}
vae = {"model": "vae"}
cvae = {"model": "cvae"}
iwae = {"model": "iwae"}
