"""The winner of a search, on the validation images of seed 0.

python -m experiments.search --model cgan --width 16 --steps 1000 --learning-rate 1e-4 4e-3
--disc-learning-rate 5e-5 2e-3 --mismatch 0 1 --members 32 --checkpoint-every-steps 1000
--report-seeds 1 --rungs 5 --out results/searches/fashion_mnist-cgan-halving

python -m experiments.train --config results/searches/fashion_mnist-cgan-halving/winner.py
"""

model = "cgan"
dataset = "fashion_mnist"
steps = 1000
checkpoint_every_steps = 1000
latent_size = 62
arch = "infogan"
width = 16
learning_rate = 0.00362005
disc_learning_rate = 0.00171031
beta1 = 0.5
beta2 = 0.999
ema_decay = 0.999
compute_dtype = "float32"
penalty = None
mismatch = 0.135611
