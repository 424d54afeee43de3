"""The winner of a search, on the validation images of seed 0.

python -m experiments.search --model dcgan --members 16 --samples 5000 --report-seeds 0
--checkpoint-every-steps 5000 --rungs 1 --score fid fid_classifier:5 --out
results/searches/fashion_mnist-dcgan-both --learning-rate 1.5e-4 2e-3 --disc-learning-rate 1e-4
1e-3 --beta1 0 0.5 --ema-decay 0.99 0.998 --penalty 0.01 0.5

python -m experiments.train --config results/searches/fashion_mnist-dcgan-both/winner.py
"""

model = "dcgan"
dataset = "fashion_mnist"
steps = 5000
checkpoint_every_steps = 5000
latent_size = 100
arch = "infogan"
width = 32
learning_rate = 0.000876158
disc_learning_rate = 0.000659963
beta1 = 0.058469
beta2 = 0.999
ema_decay = 0.993243
compute_dtype = "float32"
penalty = 0.400306
