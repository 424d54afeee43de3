"""A β-VAE (Higgins et al. 2017): a small, disentangled code at the price of blur.

python -m experiments.train --config configs/beta_vae.py
"""

model = "vae"
dataset = "fashion_mnist"
steps = 5000
latent_size = 10
beta = 4.0
