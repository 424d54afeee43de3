"""R3GAN (Huang et al. 2024) with the schedules of its authors' program for CIFAR-10, scaled from
20,000,000 images to this run's 320,000: step size, γ and Adam's β2 follow half a cosine. The nets
are not theirs, nor are images augmented (gen_models/models/r3gan.py). Not measured yet.

python -m experiments.train --config configs/r3gan.py
"""

model = "r3gan"
dataset = "fashion_mnist"
steps = 5000
learning_rate = {"shape": "cosine", 0: 2e-4, 5000: 5e-5}
disc_learning_rate = None
beta1 = 0.0
ema_decay = 0.999
penalty = {"shape": "cosine", 0: 0.05, 5000: 0.005}
beta2 = {"shape": "cosine", 0: 0.9, 5000: 0.99}
