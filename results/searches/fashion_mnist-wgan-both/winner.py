"""The winner of a search, on the validation images of seed 0.

python -m experiments.search --model wgan --members 16 --samples 5000 --report-seeds 0
--checkpoint-every-steps 5000 --rungs 1 --score fid fid_classifier:5 --out
results/searches/fashion_mnist-wgan-both --learning-rate 1e-4 3e-3 --disc-learning-rate 1e-4
3e-3 --ema-decay 0.99 0.998 --clip 0.005 0.1

python -m experiments.train --config results/searches/fashion_mnist-wgan-both/winner.py
"""

model = "wgan"
dataset = "fashion_mnist"
steps = 5000
checkpoint_every_steps = 5000
latent_size = 62
arch = "infogan"
width = 32
learning_rate = 0.00279448
disc_learning_rate = 0.000238928
beta1 = 0.5
beta2 = 0.999
ema_decay = 0.997485
compute_dtype = "float32"
optimiser = "rmsprop"
clip = 0.00883556
critic_updates = 5
