"""The conditional GAN that Fashion-MNIST's page shows "after 5000 steps", with the defaults.

python -m experiments.train --config configs/cgan.py
"""

model = "cgan"
dataset = "fashion_mnist"
steps = 5000
