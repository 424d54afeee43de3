"""The winner of a search, on the validation images of seed 0.

python -m experiments.search --model r3gan --members 8 --steps 1500 --samples 5000
--report-seeds 0 --rungs 1 --score fid fid_classifier:5 --learning-rate 5e-4 4e-3
--disc-learning-rate 2e-4 2e-3 --penalty 0.5 20 --beta1 0 --ema-decay 0.993 --out
results/searches/fashion_mnist-r3gan-penalty

python -m experiments.train --config results/searches/fashion_mnist-r3gan-penalty/winner.py
"""

model = "r3gan"
dataset = "fashion_mnist"
steps = 1500
latent_size = 64
arch = "infogan"
width = 32
learning_rate = 0.0039053
disc_learning_rate = 0.0018139
beta1 = 0.0
beta2 = 0.99
ema_decay = 0.993
compute_dtype = "float32"
penalty = 0.824569
