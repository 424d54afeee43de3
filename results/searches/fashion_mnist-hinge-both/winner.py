"""The winner of a search, on the validation images of seed 0.

python -m experiments.search --model hinge --members 16 --samples 5000 --report-seeds 0
--checkpoint-every-steps 5000 --rungs 1 --score fid fid_classifier:5 --out
results/searches/fashion_mnist-hinge-both --ema-decay 0.99 0.998 --learning-rate 1e-4 1e-3
--disc-learning-rate 2e-4 2e-3 --beta1 0 0.5

python -m experiments.train --config results/searches/fashion_mnist-hinge-both/winner.py
"""

model = "hinge"
dataset = "fashion_mnist"
steps = 5000
checkpoint_every_steps = 5000
latent_size = 62
arch = "infogan"
width = 32
learning_rate = 0.00037779
disc_learning_rate = 0.00102282
beta1 = 0.261256
beta2 = 0.9
ema_decay = 0.994847
compute_dtype = "float32"
critic_updates = 1
