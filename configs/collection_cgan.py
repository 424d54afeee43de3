"""`cgan` as in the TensorFlow collection of GANs and VAEs that
Fashion-MNIST's page recommends (hwalsuklee/tensorflow-generative-model-collections): 20 epochs, its
program's default. Its pictures took 40, and it trains on the test images too.

There the label is one-hot beside z and ten further channels of the image.

python -m experiments.train --config configs/collection_cgan.py
"""

model = "cgan"
dataset = "fashion_mnist"
steps = 18750
batch_size = 64
arch = "infogan"
latent_size = 62
mismatch = 0.0
ema_decay = None
learning_rate = 0.001
disc_learning_rate = 0.0002
beta1 = 0.5
