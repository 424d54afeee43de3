"""The nets whose features take the place of Inception's: a classifier and a label-free encoder."""

from functools import partial

import flax.linen as nn

from gen_models.algorithm import Array
from gen_models.nets.blocks import Conv, he_normal

LAYERS = ((3, 1), (4, 2), (4, 2), (4, 2))  # kernel, stride
WIDE = (32, 64, 128, 128)  # channels of the feature nets' layers
NARROW = (24, 48, 64, 128)  # channels for classifiers that are trained by the dozen: half the cost
CLASSIFIER_FEATURES, ENCODER_FEATURES = 128, 512
PROJECTION = 128


class Trunk(nn.Module):
    """Images f32[N,H,W,1] in [-1,1] -> f32[N,features].

    Four convolutions and a dense layer, each with batch normalisation; ReLU between them.
    """

    features: int  # outputs
    channels: tuple[int, ...] = WIDE  # channels of the convolutions

    @nn.compact
    def __call__(self, images: Array, *, train: bool) -> Array:
        def normalised(x: Array) -> Array:
            return nn.BatchNorm(use_running_average=not train, momentum=0.9)(x)

        plain = partial(Conv, bias=False, kernel_init=he_normal)
        x = images
        for channels, (kernel, stride) in zip(self.channels, LAYERS, strict=True):
            x = plain(channels, kernel=kernel, stride=stride)(x)
            x = nn.relu(normalised(x))
        dense = nn.Dense(self.features, use_bias=False, kernel_init=he_normal)
        return normalised(dense(x.reshape(x.shape[0], -1)))


class Classifier(nn.Module):
    """Images f32[N,H,W,1] in [-1,1] -> logits f32[N,num_classes], features f32[N,128] >= 0."""

    num_classes: int  # labels are in [0, num_classes)
    channels: tuple[int, ...] = WIDE  # channels of the convolutions

    @nn.compact
    def __call__(self, images: Array, *, train: bool) -> tuple[Array, Array]:
        features = nn.relu(Trunk(CLASSIFIER_FEATURES, self.channels)(images, train=train))
        return nn.Dense(self.num_classes)(features), features


class Encoder(nn.Module):
    """Images f32[N,H,W,1] in [-1,1] -> projections f32[N,128] for a loss, features f32[N,512]."""

    @nn.compact
    def __call__(self, images: Array, *, train: bool) -> tuple[Array, Array]:
        features = Trunk(ENCODER_FEATURES)(images, train=train)
        return nn.Dense(PROJECTION)(nn.relu(features)), features
