"""The winner of a search, on the validation images of seed 0.

python -m experiments.search --model cgan --members 32 --rungs 1 --per-device 32
--checkpoint-every-steps 5000 --report-seeds 0 --out results/searches/fashion_mnist-cgan-card
--penalty 0.01 0.3 --learning-rate 3e-4 1.5e-3 --disc-learning-rate 1e-4 1e-3 --beta1 0 0.5
--ema-decay 0.99 0.998 --samples 5000

python -m experiments.train --config results/searches/fashion_mnist-cgan-card/winner.py
"""

model = "cgan"
dataset = "fashion_mnist"
steps = 5000
checkpoint_every_steps = 5000
latent_size = 62
arch = "infogan"
width = 32
learning_rate = 0.000674771
disc_learning_rate = 0.000654516
beta1 = 0.494664
beta2 = 0.999
ema_decay = 0.995939
compute_dtype = "float32"
penalty = 0.298562
mismatch = 0.0
