"""The winner of a search, on the validation images of seed 0.

python -m experiments.search --model wgan_gp --members 16 --samples 5000 --report-seeds 0
--checkpoint-every-steps 5000 --rungs 1 --score fid fid_classifier:5 --out
results/searches/fashion_mnist-wgan_gp-both --ema-decay 0.99 0.998 --learning-rate 2e-4 2e-3
--disc-learning-rate 2e-4 2e-3 --penalty 1 20 --beta1 0 0.5

python -m experiments.train --config results/searches/fashion_mnist-wgan_gp-both/winner.py
"""

model = "wgan_gp"
dataset = "fashion_mnist"
steps = 5000
checkpoint_every_steps = 5000
latent_size = 62
arch = "infogan"
width = 32
learning_rate = 0.000960269
disc_learning_rate = 0.00131993
beta1 = 0.058469
beta2 = 0.9
ema_decay = 0.993243
compute_dtype = "float32"
penalty = 16.8684
critic_updates = 5
