"""The settings of the TensorFlow collection of GANs and VAEs that Fashion-MNIST's page recommends
(github.com/hwalsuklee/tensorflow-generative-model-collections), one row per model.

All rows: 20 epochs of Fashion-MNIST, the default of its program. Its published pictures took 40.
All its models train on the test images too; its images are in [0, 1], ours in [-1, 1]; samples are
drawn with running averages of batch statistics. Other differences stand above a row; for a row
without a comment no other difference is known.

python -m experiments.train --config configs/tf_collection.py:wgan
"""

# fmt: off
common = {
    "dataset": "fashion_mnist", "steps": 18750, "batch_size": 64,
    "arch": "infogan", "width": 64, "latent_size": 62, "ema_decay": None,
    "learning_rate": 0.001, "beta1": 0.5,
}

gan     = {"model": "gan",     "disc_learning_rate": 0.0002, "loss": "non_saturating",
           "penalty": None}

# The one-hot label is concatenated to z and, as ten further channels, to the image; the
# discriminator's hidden layer has batch normalisation.
cgan    = {"model": "cgan",    "disc_learning_rate": 0.0002, "mismatch": 0.0,
           "penalty": None}

# The class is predicted through a hidden layer of its own; a third Adam minimises its loss over the
# weights of both players.
acgan   = {"model": "acgan",   "disc_learning_rate": 0.0002, "class_weight": 1.0,
           "penalty": None}

# The code's category is by default the real images' label, with a third Adam as in acgan; here the
# category is drawn, as in the paper. The layer before the codes has 64 units instead of 128, and
# the continuous codes pass through a softmax.
infogan = {"model": "infogan", "disc_learning_rate": 0.0002, "categories": 10, "continuous": 2,
           "information": 1.0, "penalty": None}

# The losses are norms over the batch, not mean squares.
lsgan   = {"model": "lsgan",   "disc_learning_rate": 0.0002, "clip": 0.01,
           "penalty": None}

wgan    = {"model": "wgan",    "disc_learning_rate": 0.0002, "clip": 0.01, "critic_updates": 1,
           "optimiser": "adam"}

# The critic has batch normalisation, the weight of the interpolation between real and generated
# images is drawn for each pixel, and the norm is taken along one axis of the image. The penalty's
# weight of 0.25, for images in [0, 1], is 0.5 here, where the critic's values are twice as large.
wgan_gp = {"model": "wgan_gp", "disc_learning_rate": 0.0002, "penalty": 0.5, "critic_updates": 1,
           "beta2": 0.999}

# Batch normalisation and the norm are as in wgan_gp. The target norm of 1 there is one of ½ here, a
# penalty that no weight of ours gives. The noise has one sign, a product of two uniform numbers per
# pixel.
dragan  = {"model": "dragan",  "disc_learning_rate": 0.001,  "penalty": 0.25, "radius": 0.5}

# The energies are norms over the batch, some three times as large as ours, hence λ is three times
# the collection's 0.001. The auto-encoder has one convolution, and k may leave [0, 1].
began   = {"model": "began",   "disc_learning_rate": 0.0002, "code_size": 32, "gamma": 0.75,
           "balance_rate": 0.003}

# The margin of 1 there is one of 16 here: the energy is a norm over the batch divided by its 64
# images. The weight of the pulling-away term, 0.1 beside such an energy, is 1.6 beside ours; the
# term does not square its cosines. The auto-encoder has one convolution.
ebgan   = {"model": "ebgan",   "disc_learning_rate": 0.0002, "code_size": 32, "margin": 16.0,
           "pull_away": 1.6}

vae     = {"model": "vae"}

# The decoder is given the label beside z only.
cvae    = {"model": "cvae"}
# fmt: on
