"""Auxiliary classifier GAN (Odena et al. 2017): the discriminator also predicts the class.

Both players minimise the cross-entropy of the class in addition to the GAN's loss: the
discriminator on real and generated images, the generator on generated ones (eq. 2 and 3). The
discriminator does not take the label; the generator takes it as an input beside z, because with
conditional batch normalisation it encodes the class as a shade of grey. The paper's dropout and
noise in the discriminator are left out.
"""

from gen_models import losses
from gen_models.algorithm import Algorithm, Array, Images, Key, Labels, Latents, PyTree, Spec
from gen_models.engines.adversarial import Judged, Term, adversarial
from gen_models.fields import Weight, hyperparameters
from gen_models.models import _gans
from gen_models.nets.blocks import with_labels
from gen_models.nets.net import Net, Verdict


@hyperparameters
class Config(_gans.Tuned):
    """Options of `acgan`: those of `gan`, which together with the class weight are near the third
    best of sixteen settings of this model on held-out images of Fashion-MNIST (docs/results.md).
    The paper gives both losses the same weight."""

    class_weight: Weight = 0.3
    """Weight of the cross-entropy in both players' losses."""


def build(config: Config, spec: Spec) -> Algorithm:
    """The algorithm for images of `spec`."""

    def on_both(judged: Judged) -> Array:
        return class_loss(judged.real, judged.labels) + on_fake(judged)

    def on_fake(judged: Judged) -> Array:
        return class_loss(judged.fake, judged.labels)

    def class_loss(verdict: Verdict, labels: Labels) -> Array:
        return losses.cross_entropy(verdict.head, labels)

    game = _gans.game(
        config,
        spec,
        losses.non_saturating,
        _gans.discriminator(config, outputs=spec.num_classes),
        disc_terms={"disc_class": Term(config.class_weight, on_both)},
        gen_terms={"gen_class": Term(config.class_weight, on_fake)},
    )
    generator = with_label_input(game.generator, spec.num_classes)
    game = game._replace(generator=generator, conditional=True)
    return adversarial(_gans.penalised(game, config), spec)


def with_label_input(generator: Net, num_classes: int) -> Net:
    """The generator, with the one-hot label concatenated to z."""

    def init(key: Key, z: Latents, labels: Labels) -> tuple[PyTree, PyTree]:
        return generator.init(key, with_labels(z, labels, num_classes), labels)

    def apply(
        params: PyTree, stats: PyTree, z: Latents, labels: Labels, *, train: bool
    ) -> tuple[Images, PyTree]:
        z = with_labels(z, labels, num_classes)
        return generator.apply(params, stats, z, labels, train=train)

    return Net(init, apply)
