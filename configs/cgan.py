"""The conditional GAN, trained for 5000 steps, after which Fashion-MNIST's page shows one.
Score: docs/results.md. Some five minutes on two cores.

python -m experiments.train --config configs/cgan.py
"""

model = "cgan"
dataset = "fashion_mnist"
steps = 5000
