"""The settings of Lucic et al. 2018 ("Are GANs Created Equal? A Large-Scale Study",
arXiv:1711.10337), one row per model: the values that their code (github.com/google/compare_gan)
starts from. The code does not contain the values that their search found best.

All rows: 20 epochs of Fashion-MNIST, counted by the critic where it takes five batches per step.
Their images are in [0, 1], ours in [-1, 1]; their GANs' generators have leaky ReLUs in every layer,
ours ReLUs; they draw samples with running averages of batch statistics. Other differences stand
above a row.

python -m experiments.train --config configs/lucic2018.py:wgan
"""

# fmt: off
common = {
    "dataset": "fashion_mnist", "steps": 18750, "batch_size": 64,
    "arch": "infogan", "width": 64, "latent_size": 64, "ema_decay": None,
}

# The non-saturating GAN.
ns_gan  = {"model": "gan",     "learning_rate": 5e-5, "beta1": 0.0, "loss": "non_saturating",
           "disc_learning_rate": None, "penalty": None}

# The saturating ("minimax") GAN.
mm_gan  = {"model": "gan",     "learning_rate": 5e-5, "beta1": 0.0, "loss": "saturating",
           "disc_learning_rate": None, "penalty": None}

# The squares are those of probabilities, not of scores as in LSGAN's paper.
lsgan   = {"model": "lsgan",   "learning_rate": 2e-4, "beta1": 0.5, "squared": "probabilities",
           "disc_learning_rate": None, "penalty": None}

wgan    = {"model": "wgan",    "learning_rate": 5e-5, "beta1": 0.5, "clip": 0.01,
           "steps": 3750, "critic_updates": 5, "optimiser": "adam", "disc_learning_rate": None}

# Their weight of 10 for images in [0, 1] is 20 here, where the critic's values are twice as large.
wgan_gp = {"model": "wgan_gp", "learning_rate": 1e-4, "beta1": 0.5, "penalty": 20.0,
           "steps": 3750, "critic_updates": 5, "beta2": 0.999, "disc_learning_rate": None}

# Their discriminator has batch normalisation by default; they say that it is better without. The
# noise has one sign. The gradient is that of the probability, so this row is another regulariser: a
# norm of 1 there means that the logit's gradient has a norm of at least 2, for images in our range,
# and far more where the discriminator is sure.
dragan  = {"model": "dragan",  "learning_rate": 1e-4, "beta1": 0.5, "penalty": 10.0,
           "disc_learning_rate": None}

# Their discriminator is updated five times per step, the generator a fifth as often as here. The
# auto-encoder has no batch normalisation, its code passes through a leaky ReLU, and k may leave
# [0, 1]. Energies of our images are twice as large, hence λ is half of their 0.001.
began   = {"model": "began",   "learning_rate": 1e-4, "beta1": 0.5, "gamma": 0.75,
           "balance_rate": 0.0005, "disc_learning_rate": None}

vae     = {"model": "vae",     "learning_rate": 5e-5, "beta1": 0.5}
# fmt: on
