"""LSGAN of Lucic et al. 2018, with the values that their code (google/compare_gan)
starts from; those that their search found best are not in it. 20 epochs.

The squares are those of probabilities. With those of scores, as in LSGAN's paper, these nets'
generator still gives noise after 600 steps.

Their generators are leaky in every layer, where ours have ReLU.

python -m experiments.train --config configs/lucic_lsgan.py
"""

model = "lsgan"
dataset = "fashion_mnist"
steps = 18750
batch_size = 64
arch = "infogan"
latent_size = 64
ema_decay = None
learning_rate = 0.0002
beta1 = 0.5
squared = "probabilities"
