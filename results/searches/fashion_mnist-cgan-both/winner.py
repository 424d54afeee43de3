"""The winner of a search, on the validation images of seed 0.

python -m experiments.search --model cgan --members 16 --samples 5000 --report-seeds 0
--checkpoint-every-steps 5000 --rungs 1 --score fid fid_classifier:5 --out
results/searches/fashion_mnist-cgan-both --learning-rate 2e-4 1.5e-3 --disc-learning-rate 1e-4
1e-3 --beta1 0 0.5 --ema-decay 0.99 0.998 --penalty 0.1 1

python -m experiments.train --config results/searches/fashion_mnist-cgan-both/winner.py
"""

model = "cgan"
dataset = "fashion_mnist"
steps = 5000
checkpoint_every_steps = 5000
latent_size = 62
arch = "infogan"
width = 32
learning_rate = 0.00047716
disc_learning_rate = 0.000900494
beta1 = 0.0111505
beta2 = 0.999
ema_decay = 0.993787
compute_dtype = "float32"
penalty = 0.12883
mismatch = 0.0
