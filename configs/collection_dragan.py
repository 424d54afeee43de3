"""`dragan` as in the TensorFlow collection of GANs and VAEs that
Fashion-MNIST's page recommends (hwalsuklee/tensorflow-generative-model-collections): 20 epochs, its
program's default. Its pictures took 40, and it trains on the test images too.

There the discriminator has batch normalisation, the noise is of one sign, a product of two uniform
numbers for each pixel, the norm is taken along one axis of the image, and images are in [0, 1]: a
norm of 1 there is one of ½ here.

python -m experiments.train --config configs/collection_dragan.py
"""

model = "dragan"
dataset = "fashion_mnist"
steps = 18750
batch_size = 64
arch = "infogan"
latent_size = 62
ema_decay = None
learning_rate = 0.001
disc_learning_rate = 0.001
beta1 = 0.5
penalty = 0.25
radius = 0.5
