"""The papers' settings of most models whose defaults a search found (docs/results.md), one row per
model. Averaged weights, batches of 64 and nets of half the width are ours; other differences from a
paper stand at the top of its model's file.

All rows: Fashion-MNIST, with the steps of the scoreboard, which shows these rows beside the
defaults.

python -m experiments.train --config configs/papers.py:wgan
"""

# fmt: off
common = {"dataset": "fashion_mnist", "steps": 5000, "ema_decay": 0.999}

# Chen et al. 2016 (InfoGAN), appendix C.1, the source of the nets.
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

# Zhao et al. 2017, figure 4: the settings of the best digits, drawn by dense nets.
ebgan   = {"model": "ebgan",   "learning_rate": 1e-3, "disc_learning_rate": None, "beta1": 0.5,
           "margin": 10.0, "pull_away": 0.1}

# The program of Kodali et al. 2017 for MNIST.
dragan  = {"model": "dragan",  "learning_rate": 1e-4, "disc_learning_rate": None, "beta1": 0.5,
           "beta2": 0.9, "penalty": 10.0, "radius": 0.5}

# Arjovsky et al. 2017, algorithm 1.
wgan    = {"model": "wgan",    "learning_rate": 5e-5, "disc_learning_rate": 5e-5, "clip": 0.01,
           "critic_updates": 5, "optimiser": "rmsprop"}

# Huang et al. 2024, CIFAR-10: constants instead of their schedules (configs/r3gan.py has those),
# with their initial γ and their final β2.
r3gan   = {"model": "r3gan",   "learning_rate": 2e-4, "disc_learning_rate": 2e-4, "beta1": 0.0,
           "beta2": 0.99, "penalty": 0.05}
# fmt: on
