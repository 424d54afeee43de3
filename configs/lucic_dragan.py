"""DRAGAN of Lucic et al. 2018, with the values that their code (google/compare_gan)
starts from; those that their search found best are not in it. 20 epochs.

There the discriminator has batch normalisation by default; without, they say, it is better.
The gradient there is that of the probability, of images in [0, 1], and the noise is of one sign.

Their generators are leaky in every layer, where ours have ReLU.

python -m experiments.train --config configs/lucic_dragan.py
"""

model = "dragan"
dataset = "fashion_mnist"
steps = 18750
batch_size = 64
arch = "infogan"
latent_size = 64
ema_decay = None
learning_rate = 0.0001
beta1 = 0.5
penalty = 10.0
