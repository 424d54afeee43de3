"""WGAN-GP of Lucic et al. 2018, with the values that their code (google/compare_gan)
starts from; those that their search found best are not in it. 20 epochs
of the critic, which has five batches a step.

Images are in [0, 1] there: a gradient of norm 1 there is one of norm ½ here.

Their generators are leaky in every layer, where ours have ReLU.

python -m experiments.train --config configs/lucic_wgan_gp.py
"""

model = "wgan_gp"
dataset = "fashion_mnist"
steps = 3750
batch_size = 64
arch = "infogan"
latent_size = 64
ema_decay = None
learning_rate = 0.0001
beta1 = 0.5
beta2 = 0.999
penalty = 10.0
critic_updates = 5
