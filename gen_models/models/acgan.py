"""Auxiliary classifier GAN (Odena et al. 2017): the discriminator also names the class.

Both players minimise, beside the GAN's loss, the cross-entropy of the class, the discriminator on
real and generated images, the generator on its own (eq. 2 and 3). The discriminator is not told
the label; the generator is, beside z. (As conditional batch normalisation it became a shade of
grey that the discriminator read as the class: label accuracy 0.14 on Fashion-MNIST.) The paper's
dropout and noise in the discriminator are left out.
"""

from gen_models import losses
from gen_models.adversarial import adversarial
from gen_models.algorithm import Algorithm, Array, Key, PyTree, Spec
from gen_models.config import Weight, hyperparameters
from gen_models.models import gans
from gen_models.nets.blocks import with_labels
from gen_models.nets.net import Net, Verdict


@hyperparameters
class Config(gans.Config):
    """Options of `acgan`. Adam's are those of Odena et al. 2017, appendix A."""

    class_weight: Weight = 1.0
    """Weight of the cross-entropies."""


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`."""

    def on_both(real: Verdict, fake: Verdict, z: Array, labels: Array) -> Array:
        on_real = config.class_weight * losses.cross_entropy(real.head, labels)
        return on_real + on_fake(real, fake, z, labels)

    def on_fake(real: Verdict, fake: Verdict, z: Array, labels: Array) -> Array:
        del real, z
        return config.class_weight * losses.cross_entropy(fake.head, labels)

    disc = gans.discriminator(config, outputs=spec.num_classes)
    game = gans.game(config, spec, losses.non_saturating, disc)
    game = game._replace(generator=told(game.generator, spec.num_classes), conditional=True)
    return adversarial(game._replace(disc_auxiliary=on_both, gen_auxiliary=on_fake), spec)


def told(generator: Net, num_classes: int) -> Net:
    """The generator with the label one-hot beside z."""

    def init(key: Key, z: Array, labels: Array) -> tuple[PyTree, PyTree]:
        return generator.init(key, with_labels(z, labels, num_classes), labels)

    def apply(
        params: PyTree, stats: PyTree, z: Array, labels: Array, *, train: bool
    ) -> tuple[Array, PyTree]:
        z = with_labels(z, labels, num_classes)
        return generator.apply(params, stats, z, labels, train=train)

    return Net(init, apply)
