"""The winner of a search, on the validation images of seed 0.

python -m experiments.search --model ebgan --members 16 --samples 5000 --report-seeds 0
--checkpoint-every-steps 5000 --rungs 1 --score fid fid_classifier:5 --out
results/searches/fashion_mnist-ebgan-both --ema-decay 0.99 0.998 --learning-rate 2e-4 3e-3
--disc-learning-rate 2e-4 3e-3 --margin 1 20 --pull-away 0.01 1 --beta1 0 0.5

python -m experiments.train --config results/searches/fashion_mnist-ebgan-both/winner.py
"""

model = "ebgan"
dataset = "fashion_mnist"
steps = 5000
checkpoint_every_steps = 5000
latent_size = 62
arch = "infogan"
width = 32
learning_rate = 0.00184018
disc_learning_rate = 0.000274511
beta1 = 0.202659
beta2 = 0.999
ema_decay = 0.997545
compute_dtype = "float32"
code_size = 32
margin = 8.46187
pull_away = 0.0455912
