"""`lsgan` as in the TensorFlow collection of GANs and VAEs that
Fashion-MNIST's page recommends (hwalsuklee/tensorflow-generative-model-collections): 20 epochs, its
program's default. Its pictures took 40, and it trains on the test images too.

There the losses are norms over the batch, not mean squares. Without the clipping the generator
gives noise for 1000 steps at least, with it rough clothes within 100.

python -m experiments.train --config configs/collection_lsgan.py
"""

model = "lsgan"
dataset = "fashion_mnist"
steps = 18750
batch_size = 64
arch = "infogan"
latent_size = 62
ema_decay = None
learning_rate = 0.001
disc_learning_rate = 0.0002
beta1 = 0.5
clip = 0.01
