"""The winner of a search, on the validation images of seed 0.

python -m experiments.search --model acgan --members 16 --samples 5000 --report-seeds 0
--checkpoint-every-steps 5000 --rungs 1 --score fid fid_classifier:5 --out
results/searches/fashion_mnist-acgan-both --ema-decay 0.99 0.998 --learning-rate 1.5e-4 2e-3
--disc-learning-rate 1e-4 1e-3 --penalty 0.01 0.5 --class-weight 0.1 1 --beta1 0 0.5

python -m experiments.train --config results/searches/fashion_mnist-acgan-both/winner.py
"""

model = "acgan"
dataset = "fashion_mnist"
steps = 5000
checkpoint_every_steps = 5000
latent_size = 62
arch = "infogan"
width = 32
learning_rate = 0.000259404
disc_learning_rate = 0.000483314
beta1 = 0.21385
beta2 = 0.999
ema_decay = 0.996074
compute_dtype = "float32"
penalty = 0.301394
class_weight = 0.933024
