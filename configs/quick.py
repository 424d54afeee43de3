"""A first look: half the width, 1000 steps. Samples show shapes, not details.

python -m experiments.train --config configs/quick.py
"""

model = "cgan"
dataset = "fashion_mnist"
steps = 1000
width = 16
