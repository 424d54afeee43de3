"""The winner of a search, on the validation images of seed 0.

python -m experiments.search --model dragan --members 16 --samples 5000 --report-seeds 0
--checkpoint-every-steps 5000 --rungs 1 --score fid fid_classifier:5 --out
results/searches/fashion_mnist-dragan-both --ema-decay 0.99 0.998 --learning-rate 2e-4 3e-3
--disc-learning-rate 1e-4 2e-3 --penalty 0.1 10 --beta1 0 0.5

python -m experiments.train --config results/searches/fashion_mnist-dragan-both/winner.py
"""

model = "dragan"
dataset = "fashion_mnist"
steps = 5000
checkpoint_every_steps = 5000
latent_size = 62
arch = "infogan"
width = 32
learning_rate = 0.00126583
disc_learning_rate = 0.00116472
beta1 = 0.058469
beta2 = 0.999
ema_decay = 0.993243
compute_dtype = "float32"
penalty = 7.6968
radius = 0.5
