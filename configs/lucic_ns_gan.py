"""The non-saturating GAN of Lucic et al. 2018, with the values that their code (google/compare_gan)
starts from; those that their search found best are not in it. 20 epochs.

Their generators are leaky in every layer, where ours have ReLU.

python -m experiments.train --config configs/lucic_ns_gan.py
"""

model = "gan"
dataset = "fashion_mnist"
steps = 18750
batch_size = 64
arch = "infogan"
latent_size = 64
ema_decay = None
loss = "non_saturating"
learning_rate = 5e-05
beta1 = 0.0
