"""The winner of a search, on the validation images of seed 0.

python -m experiments.search --model began --members 16 --samples 5000 --report-seeds 0
--checkpoint-every-steps 5000 --rungs 1 --score fid fid_classifier:5 --out
results/searches/fashion_mnist-began-both --ema-decay 0.99 0.998 --learning-rate 2e-4 3e-3
--gamma 0.5 1 --balance-rate 0.005 0.1 --beta1 0 0.5

python -m experiments.train --config results/searches/fashion_mnist-began-both/winner.py
"""

model = "began"
dataset = "fashion_mnist"
steps = 5000
checkpoint_every_steps = 5000
latent_size = 64
arch = "infogan"
width = 32
learning_rate = 0.00166183
disc_learning_rate = None
beta1 = 0.226474
beta2 = 0.999
ema_decay = 0.997784
compute_dtype = "float32"
code_size = 64
gamma = 0.978791
balance_rate = 0.00750592
