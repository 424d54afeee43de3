"""BEGAN of Lucic et al. 2018, with the values that their code (google/compare_gan)
starts from; those that their search found best are not in it. 20 epochs.

There the discriminator is updated five times a step, the generator a fifth as often as here; images
are in [0, 1]; the auto-encoder has no batch normalisation, its code passes a leaky ReLU, and k may
leave [0, 1]. The generator is leaky in every
layer, where ours has ReLU.

python -m experiments.train --config configs/lucic_began.py
"""

model = "began"
dataset = "fashion_mnist"
steps = 18750
batch_size = 64
arch = "infogan"
latent_size = 64
ema_decay = None
learning_rate = 0.0001
beta1 = 0.5
gamma = 0.75
balance_rate = 0.001
