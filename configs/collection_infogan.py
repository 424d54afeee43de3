"""`infogan` as in the TensorFlow collection of GANs and VAEs that
Fashion-MNIST's page recommends (hwalsuklee/tensorflow-generative-model-collections): 20 epochs, its
program's default. Its pictures took 40, and it trains on the test images too.

There the code's category is by default the real images' label, its loss descended by a third Adam
over both players; here the category is drawn, as in the paper. A layer of 64 units stands before
the codes there, and the continuous ones pass a softmax.

python -m experiments.train --config configs/collection_infogan.py
"""

model = "infogan"
dataset = "fashion_mnist"
steps = 18750
batch_size = 64
arch = "infogan"
latent_size = 62
ema_decay = None
learning_rate = 0.001
disc_learning_rate = 0.0002
beta1 = 0.5
categories = 10
continuous = 2
information = 1.0
