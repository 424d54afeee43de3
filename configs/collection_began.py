"""`began` as in the TensorFlow collection of GANs and VAEs that
Fashion-MNIST's page recommends (hwalsuklee/tensorflow-generative-model-collections): 20 epochs, its
program's default. Its pictures took 40, and it trains on the test images too.

There the energies are norms over the batch, some three times as large, hence λ three times its
0.001; the auto-encoder has one convolution, and k may leave [0, 1].

python -m experiments.train --config configs/collection_began.py
"""

model = "began"
dataset = "fashion_mnist"
steps = 18750
batch_size = 64
arch = "infogan"
latent_size = 62
ema_decay = None
learning_rate = 0.001
disc_learning_rate = 0.0002
beta1 = 0.5
gamma = 0.75
balance_rate = 0.003
code_size = 32
