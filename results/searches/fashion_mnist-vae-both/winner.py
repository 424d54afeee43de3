"""The winner of a search, on the validation images of seed 0.

python -m experiments.search --model vae --members 16 --samples 5000 --report-seeds 0
--checkpoint-every-steps 5000 --rungs 1 --score fid fid_classifier:5 --out
results/searches/fashion_mnist-vae-both --ema-decay 0.99 0.998 --learning-rate 5e-4 4e-3 --beta1
0.5 0.95

python -m experiments.train --config results/searches/fashion_mnist-vae-both/winner.py
"""

model = "vae"
dataset = "fashion_mnist"
steps = 5000
checkpoint_every_steps = 5000
latent_size = 10
width = 32
likelihood = "bernoulli"
learning_rate = 0.00298392
ema_decay = 0.990233
compute_dtype = "float32"
arch = "infogan"
beta1 = 0.784774
prior_components = 0
beta = 1.0
free_bits = 0.0
