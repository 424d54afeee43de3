"""The classifier whose last hidden layer provides features in place of Inception's."""

import flax.linen as nn

from gen_models.algorithm import Array
from gen_models.nets.blocks import Conv, he_normal

FEATURES = 128
LAYERS = ((32, 3, 1), (64, 4, 2), (128, 4, 2), (128, 4, 2))  # channels, kernel, stride


class Classifier(nn.Module):
    """Classifier: images f32[N,H,W,1] in [-1,1] -> logits f32[N,num_classes], features f32[N,128].

    Four convolutions and a dense layer, each with batch normalisation and ReLU: features >= 0.
    """

    num_classes: int  # labels are in [0, num_classes)

    @nn.compact
    def __call__(self, images: Array, *, train: bool) -> tuple[Array, Array]:
        def activated(x: Array) -> Array:
            return nn.relu(nn.BatchNorm(use_running_average=not train, momentum=0.9)(x))

        x = images
        for channels, kernel, stride in LAYERS:
            convolution = Conv(channels, bias=False, init=he_normal, kernel=kernel, stride=stride)
            x = activated(convolution(x))
        dense = nn.Dense(FEATURES, use_bias=False, kernel_init=he_normal)
        features = activated(dense(x.reshape(x.shape[0], -1)))
        return nn.Dense(self.num_classes)(features), features
