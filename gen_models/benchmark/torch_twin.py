"""The same nets and the same training step in eager PyTorch, for comparison.

PyTorch is optional; it is imported when a twin is used. The twin is written to be fast: fused Adam,
averaged weights in one call, the generated batch shared by both players, no gradient of the
discriminator's weights in the generator's half of the step.
"""

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING

from gen_models.benchmark.rounds import Timed, timed
from gen_models.errors import UserError

if TYPE_CHECKING:
    import torch

LATENT = {"dcgan": 100, "cgan": 100, "vae": 32}
CLASSES = 10


def twin(model: str, batch_size: int, width: int, steps: int) -> Timed:
    """A contestant of `steps` steps of the twin on noise. Raises UserError without PyTorch."""
    if find_spec("torch") is None:
        raise UserError("PyTorch is not installed; pip install torch to compare against it")
    step = (_vae if model == "vae" else _gan)(model, batch_size, width)

    def work() -> None:
        for _ in range(steps):
            step()

    return timed(work, steps)


def _gan(model: str, batch_size: int, width: int) -> Callable[[], None]:
    import torch
    from torch.nn.functional import one_hot, softplus

    conditional = model == "cgan"
    labels = torch.randint(0, CLASSES, (batch_size,))
    others = 1 - one_hot(labels, CLASSES).float()
    real = torch.rand(batch_size, 1, 28, 28) * 2 - 1
    gen, disc = _generator(width, conditional), _discriminator(width, conditional)
    average = [p.detach().clone() for p in gen.parameters()]
    opt_gen = torch.optim.Adam(gen.parameters(), 6e-4, (0.5, 0.999), fused=True)
    opt_disc = torch.optim.Adam(disc.parameters(), 6e-4, (0.5, 0.999), fused=True)

    def step() -> None:
        z = torch.rand(batch_size, LATENT[model]) * 2 - 1
        fake = gen(z, labels)
        opt_disc.zero_grad()
        on_real, with_each = disc(real, labels)
        loss = softplus(-on_real).mean() + softplus(disc(fake.detach(), labels)[0]).mean()
        if conditional:
            loss = loss + 0.5 * (others * softplus(with_each)).sum(1).mean() / (CLASSES - 1)
        loss.backward()
        opt_disc.step()
        disc.requires_grad_(False)
        opt_gen.zero_grad()
        softplus(-disc(fake, labels)[0]).mean().backward()
        opt_gen.step()
        disc.requires_grad_(True)
        torch._foreach_lerp_(average, [p.detach() for p in gen.parameters()], 0.001)

    return step


def _vae(model: str, batch_size: int, width: int) -> Callable[[], None]:
    import torch
    from torch import nn
    from torch.nn.functional import binary_cross_entropy_with_logits

    latent, flat = LATENT[model], 2 * width * 7 * 7
    real = torch.rand(batch_size, 1, 28, 28)
    encoder = nn.Sequential(
        nn.Conv2d(1, width, 4, 2, 1),
        nn.ReLU(),
        nn.Conv2d(width, 2 * width, 4, 2, 1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(flat, 2 * latent),
    )
    decoder = nn.Sequential(
        nn.Linear(latent, flat),
        nn.ReLU(),
        nn.Unflatten(1, (2 * width, 7, 7)),
        nn.ConvTranspose2d(2 * width, width, 4, 2, 1),
        nn.ReLU(),
        nn.ConvTranspose2d(width, 1, 4, 2, 1),
    )
    parameters = [*encoder.parameters(), *decoder.parameters()]
    average = [p.detach().clone() for p in parameters]
    optimiser = torch.optim.Adam(parameters, 1e-3, fused=True)

    def step() -> None:
        mean, log_variance = encoder(real * 2 - 1).chunk(2, dim=1)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        nll = binary_cross_entropy_with_logits(decoder(z), real, reduction="sum")
        kl = 0.5 * (log_variance.exp() + mean**2 - 1 - log_variance).sum()
        optimiser.zero_grad()
        ((nll + kl) / batch_size).backward()
        optimiser.step()
        torch._foreach_lerp_(average, [p.detach() for p in parameters], 0.001)

    return step


def _generator(width: int, conditional: bool) -> "torch.nn.Module":
    from torch import Tensor, nn

    class Norm(nn.Module):
        """Batch normalisation followed, if conditional, by a scale and a shift by class."""

        def __init__(self, channels: int) -> None:
            super().__init__()
            self.norm = nn.BatchNorm2d(channels)
            self.table = nn.Embedding(CLASSES, 2 * channels) if conditional else None

        def forward(self, x: Tensor, labels: Tensor) -> Tensor:
            x = self.norm(x)
            if self.table is None:
                return x
            scale, shift = self.table(labels)[:, :, None, None].chunk(2, dim=1)
            return x * (1 + scale) + shift

    class Generator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.dense = nn.Linear(LATENT["cgan"], 2 * width * 49, bias=False)
            self.norms = nn.ModuleList([Norm(2 * width), Norm(width)])
            self.wide = nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False)
            self.image = nn.ConvTranspose2d(width, 1, 4, 2, 1)

        def forward(self, z: Tensor, labels: Tensor) -> Tensor:
            x = self.dense(z).view(-1, 2 * width, 7, 7)
            x = self.norms[0](x, labels).relu()
            x = self.norms[1](self.wide(x), labels).relu()
            return self.image(x).tanh()

    return Generator()


def _discriminator(width: int, conditional: bool) -> "torch.nn.Module":
    from torch import Tensor, nn

    class Discriminator(nn.Module):
        """Discriminator of scores with the images' labels and, if conditional, with each label."""

        def __init__(self) -> None:
            super().__init__()
            self.features = nn.Sequential(
                nn.Conv2d(1, width, 4, 2, 1),
                nn.LeakyReLU(0.2),
                nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False),
                nn.BatchNorm2d(2 * width),
                nn.LeakyReLU(0.2),
                nn.Flatten(),
            )
            self.score = nn.Linear(2 * width * 49, 1)
            self.table = nn.Linear(2 * width * 49, CLASSES, bias=False) if conditional else None

        def forward(self, x: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
            features = self.features(x)
            score = self.score(features)
            if self.table is None:
                return score[:, 0], score
            scores = score + self.table(features)
            return scores.gather(1, labels[:, None])[:, 0], scores

    return Discriminator()
