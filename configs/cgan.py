"""Our conditional GAN, for the 5000 steps after which Fashion-MNIST's page shows one.
FID 0.76 ± 0.13 over three seeds under `fmnist-cnn-v1`, where real images have 0.05; nine minutes on
two cores with nothing else to do.

python -m experiments.train --config configs/cgan.py
"""

model = "cgan"
dataset = "fashion_mnist"
steps = 5000
