"""VAEs trained long enough to compare their likelihoods with published ones (docs/results.md), one
row per data set: nine times as many images as the scoreboard's runs see, and a falling step size.

MNIST is binarised anew in each step, as in Burda et al. 2016; Fashion-MNIST's grey values are taken
as probabilities.

python -m experiments.train --config configs/likelihood.py:mnist
python -m experiments.evaluate results/runs/… --draws 500
"""

common = {
    "model": "vae",
    "latent_size": 40,
    "batch_size": 100,
    "steps": 30_000,
    "learning_rate": {0: 2e-3, 30_000: 2e-5, "shape": "cosine"},
    "sample_every_steps": 1000,
}
mnist = {"dataset": "mnist", "likelihood": "binarised"}
fashion_mnist = {"dataset": "fashion_mnist"}
