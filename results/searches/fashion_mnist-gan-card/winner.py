"""The winner of a search, on the validation images of seed 0.

python -m experiments.search --model gan --members 32 --rungs 1 --per-device 32
--checkpoint-every-steps 5000 --report-seeds 0 --out results/searches/fashion_mnist-gan-card
--learning-rate 3e-4 2e-3 --disc-learning-rate 1e-4 1e-3 --beta1 0 0.5 --ema-decay 0.99 0.998
--samples 2000 --members 20 --per-device 20

python -m experiments.train --config results/searches/fashion_mnist-gan-card/winner.py
"""

model = "gan"
dataset = "fashion_mnist"
steps = 5000
checkpoint_every_steps = 5000
latent_size = 62
arch = "infogan"
width = 32
learning_rate = 0.000337912
disc_learning_rate = 0.000297464
beta1 = 0.0550087
beta2 = 0.999
ema_decay = 0.996089
compute_dtype = "float32"
penalty = None
loss = "non_saturating"
