"""The settings of papers for most models whose defaults a search found (docs/results.md), a row a
model. Ours are the averaged weights, batches of 64, and nets of half the width; what else differs
from a paper stands at the top of its model's file.

All rows: Fashion-MNIST, as many steps as the scoreboard has, which shows these rows beside the
defaults.

python -m experiments.train --config configs/papers.py:wgan
"""

# fmt: off
common = {"dataset": "fashion_mnist", "steps": 5000, "ema_decay": 0.999}

# Chen et al. 2016 (InfoGAN), appendix C.1, whose nets these are.
gan     = {"model": "gan",     "learning_rate": 1e-3, "disc_learning_rate": 2e-4, "beta1": 0.5,
           "penalty": None}

# Radford et al. 2016, §4.
dcgan   = {"model": "dcgan",   "learning_rate": 2e-4, "disc_learning_rate": 2e-4, "beta1": 0.5,
           "penalty": None}

# Odena et al. 2017, appendix A.
acgan   = {"model": "acgan",   "learning_rate": 2e-4, "disc_learning_rate": 2e-4, "beta1": 0.5,
           "class_weight": 1.0, "penalty": None}

# Chen et al. 2016, appendix C.1.
infogan = {"model": "infogan", "learning_rate": 1e-3, "disc_learning_rate": 2e-4, "beta1": 0.5,
           "penalty": None}

# Zhao et al. 2017, figure 4, the best digits, by dense nets.
ebgan   = {"model": "ebgan",   "learning_rate": 1e-3, "disc_learning_rate": None, "beta1": 0.5,
           "margin": 10.0, "pull_away": 0.1}

# The program of Kodali et al. 2017 for MNIST.
dragan  = {"model": "dragan",  "learning_rate": 1e-4, "disc_learning_rate": None, "beta1": 0.5,
           "beta2": 0.9, "penalty": 10.0, "radius": 0.5}

# Arjovsky et al. 2017, algorithm 1.
wgan    = {"model": "wgan",    "learning_rate": 5e-5, "disc_learning_rate": 5e-5, "clip": 0.01,
           "critic_updates": 5, "optimiser": "rmsprop"}

# Huang et al. 2024, CIFAR-10: constant where theirs are schedules, which configs/r3gan.py has; the
# γ they begin with, the β2 they end with.
r3gan   = {"model": "r3gan",   "learning_rate": 2e-4, "disc_learning_rate": 2e-4, "beta1": 0.0,
           "beta2": 0.99, "penalty": 0.05}
# fmt: on
