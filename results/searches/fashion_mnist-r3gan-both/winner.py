"""The winner of a search, on the validation images of seed 0.

python -m experiments.search --model r3gan --members 16 --samples 5000 --report-seeds 0
--checkpoint-every-steps 5000 --rungs 1 --score fid fid_classifier:5 --out
results/searches/fashion_mnist-r3gan-both --learning-rate 2e-4 4e-3 --disc-learning-rate 2e-4
4e-3 --beta1 0 0.5 --ema-decay 0.99 0.998 --penalty 0.005 0.5

python -m experiments.train --config results/searches/fashion_mnist-r3gan-both/winner.py
"""

model = "r3gan"
dataset = "fashion_mnist"
steps = 5000
checkpoint_every_steps = 5000
latent_size = 64
arch = "infogan"
width = 32
learning_rate = 0.00139234
disc_learning_rate = 0.000236305
beta1 = 0.0887794
beta2 = 0.99
ema_decay = 0.993018
compute_dtype = "float32"
penalty = 0.167474
