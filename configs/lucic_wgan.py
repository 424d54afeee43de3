"""WGAN of Lucic et al. 2018, with the values that their code (google/compare_gan)
starts from; those that their search found best are not in it. 20 epochs
of the critic, which has five batches a step.

Their generators are leaky in every layer, where ours have ReLU.

python -m experiments.train --config configs/lucic_wgan.py
"""

model = "wgan"
dataset = "fashion_mnist"
steps = 3750
batch_size = 64
arch = "infogan"
latent_size = 64
ema_decay = None
optimiser = "adam"
learning_rate = 5e-05
beta1 = 0.5
clip = 0.01
critic_updates = 5
