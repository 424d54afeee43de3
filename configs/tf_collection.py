"""The settings of the TensorFlow collection of GANs and VAEs that Fashion-MNIST's page recommends
(github.com/hwalsuklee/tensorflow-generative-model-collections), a row a model.

All rows: 20 epochs of Fashion-MNIST, the default of its program. Its published pictures took 40.
All its models train on the test images too, and their images are in [0, 1], where ours are in [-1,
1]; they draw with running averages of batch statistics. What else differs there stands above a row;
no more is known of a row without a comment.

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

# The label is one-hot beside z and ten further channels of the image; the discriminator's hidden
# layer has batch normalisation.
cgan    = {"model": "cgan",    "disc_learning_rate": 0.0002, "mismatch": 0.0,
           "penalty": None}

# The class is read off a hidden layer of its own; its loss is descended by a third Adam over both
# players.
acgan   = {"model": "acgan",   "disc_learning_rate": 0.0002, "class_weight": 1.0,
           "penalty": None}

# The code's category is by default the real images' label, with a third Adam as in acgan; here it
# is drawn, as in the paper. The layer before the codes has 64 units instead of 128, and the
# continuous ones pass a softmax.
infogan = {"model": "infogan", "disc_learning_rate": 0.0002, "categories": 10, "continuous": 2,
           "information": 1.0, "penalty": None}

# The losses are norms over the batch, not mean squares.
lsgan   = {"model": "lsgan",   "disc_learning_rate": 0.0002, "clip": 0.01,
           "penalty": None}

wgan    = {"model": "wgan",    "disc_learning_rate": 0.0002, "clip": 0.01, "critic_updates": 1,
           "optimiser": "adam"}

# The critic has batch normalisation, the share between real and generated is drawn for each pixel,
# and the norm is taken along one axis of the image. Its weight of 0.25, for images in [0, 1], is
# one of 0.5 here, for a critic of twice the values.
wgan_gp = {"model": "wgan_gp", "disc_learning_rate": 0.0002, "penalty": 0.5, "critic_updates": 1,
           "beta2": 0.999}

# Batch normalisation and the norm are as in wgan_gp; a gradient of norm 1 there is one of ½ here, a
# penalty that no weight of ours gives. The noise is of one sign, a product of two
# uniform numbers for each pixel.
dragan  = {"model": "dragan",  "disc_learning_rate": 0.001,  "penalty": 0.25, "radius": 0.5}

# The energies are norms over the batch, some three times as large, hence λ three times its 0.001.
# The auto-encoder has one convolution, and k may leave [0, 1].
began   = {"model": "began",   "disc_learning_rate": 0.0002, "code_size": 32, "gamma": 0.75,
           "balance_rate": 0.003}

# A margin of 1 there is one of 16 here: the energy is a norm over the batch divided by its 64
# images. The weight of the pulling-away term, 0.1 beside such an energy, is 1.6 beside ours; the
# term does not square its cosines. The auto-encoder has one convolution.
ebgan   = {"model": "ebgan",   "disc_learning_rate": 0.0002, "code_size": 32, "margin": 16.0,
           "pull_away": 1.6}

vae     = {"model": "vae"}

# The decoder is given the label beside z only.
cvae    = {"model": "cvae"}
# fmt: on
