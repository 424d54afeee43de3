"""The winner of a search, on the validation images of seed 0.

python -m experiments.search --model r3gan --members 5 --steps 2000 --samples 5000
--report-seeds 0 --rungs 1 --score fid fid_classifier:5 --learning-rate 2.5e-3 8e-3
--disc-learning-rate 1e-3 4e-3 --penalty 0.25 2.5 --beta1 0 --ema-decay 0.993 --out
results/searches/fashion_mnist-r3gan-fast

python -m experiments.train --config results/searches/fashion_mnist-r3gan-fast/winner.py
"""

model = "r3gan"
dataset = "fashion_mnist"
steps = 2000
latent_size = 64
arch = "infogan"
width = 32
learning_rate = 0.00257737
disc_learning_rate = 0.0017733
beta1 = 0.0
beta2 = 0.99
ema_decay = 0.993
compute_dtype = "float32"
penalty = 0.740466
