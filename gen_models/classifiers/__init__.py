"""The 129 classifier settings of Fashion-MNIST's own benchmark as a measure of training images:
trained on a model's samples, tested on real images. Only `fitting` imports scikit-learn."""
