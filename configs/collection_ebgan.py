"""`ebgan` as in the TensorFlow collection of GANs and VAEs that
Fashion-MNIST's page recommends (hwalsuklee/tensorflow-generative-model-collections): 20 epochs, its
program's default. Its pictures took 40, and it trains on the test images too.

A margin of 1 there is one of 16 here: there the energy is that of images in [0, 1], a norm over the
batch divided by its 64 images. Its weight of the pulling-away term, 0.1 beside such an energy, is
1.6 beside that of here. The auto-encoder there has one convolution, and the term does not square
its cosines.

python -m experiments.train --config configs/collection_ebgan.py
"""

model = "ebgan"
dataset = "fashion_mnist"
steps = 18750
batch_size = 64
arch = "infogan"
latent_size = 62
ema_decay = None
learning_rate = 0.001
disc_learning_rate = 0.0002
beta1 = 0.5
margin = 16.0
pull_away = 1.6
code_size = 32
