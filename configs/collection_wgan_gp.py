"""`wgan_gp` as in the TensorFlow collection of GANs and VAEs that
Fashion-MNIST's page recommends (hwalsuklee/tensorflow-generative-model-collections): 20 epochs, its
program's default. Its pictures took 40, and it trains on the test images too.

There the critic has batch normalisation, the share between real and generated is drawn for each
pixel, the norm is taken along one axis of the image, and images are in [0, 1]: a gradient of norm 1
there is one of norm ½ here.

python -m experiments.train --config configs/collection_wgan_gp.py
"""

model = "wgan_gp"
dataset = "fashion_mnist"
steps = 18750
batch_size = 64
arch = "infogan"
latent_size = 62
ema_decay = None
learning_rate = 0.001
disc_learning_rate = 0.0002
beta1 = 0.5
beta2 = 0.999
penalty = 0.25
critic_updates = 1
