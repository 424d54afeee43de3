"""The same nets and the same step in PyTorch, eager: what most people would write instead.

PyTorch is no requirement; it is imported when a twin is asked for. The twin is written to be fast:
fused Adam, averaged weights in one call, the generated batch shared by both players, no gradient of
the discriminator's weights in the generator's half of the step.
"""

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from gen_models.benchmark.rounds import Timed, timed
from gen_models.errors import UserError

if TYPE_CHECKING:
    import torch

LATENT = {"dcgan": 100, "cgan": 100, "vae": 32}
CLASSES = 10


def twin(model: str, batch_size: int, width: int, steps: int) -> Timed:
    """`steps` training steps of the twin on random images. Raises UserError without PyTorch."""
    if find_spec("torch") is None:
        raise UserError("PyTorch is not installed; pip install torch to compare against it")
    step = (_vae if model == "vae" else _gan)(model, batch_size, width)

    def work() -> None:
        for _ in range(steps):
            step()

    return timed(work, steps)


def _gan(model: str, batch_size: int, width: int) -> Callable[[], None]:
    import torch
    from torch.nn.functional import softplus

    labels = torch.randint(0, CLASSES, (batch_size,)) if model == "cgan" else None
    real = torch.rand(batch_size, 1, 28, 28) * 2 - 1
    gen, disc = _generator(width, model), _discriminator(width, model)
    average = [p.detach().clone() for p in gen.parameters()]
    opt_gen = torch.optim.Adam(gen.parameters(), 6e-4, (0.5, 0.999), fused=True)
    opt_disc = torch.optim.Adam(disc.parameters(), 6e-4, (0.5, 0.999), fused=True)

    def step() -> None:
        z = torch.rand(batch_size, LATENT[model]) * 2 - 1
        fake = gen(z, labels)
        opt_disc.zero_grad()
        loss = softplus(-disc(real, labels)).mean() + softplus(disc(fake.detach(), labels)).mean()
        loss.backward()
        opt_disc.step()
        disc.requires_grad_(False)
        opt_gen.zero_grad()
        softplus(-disc(fake, labels)).mean().backward()
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


def _generator(width: int, model: str) -> "torch.nn.Module":
    from torch import nn

    return _sequence(
        model,
        [nn.Linear(LATENT[model], 2 * width * 49, bias=False), nn.Unflatten(1, (2 * width, 7, 7))],
        2 * width,
        [nn.BatchNorm2d(2 * width), nn.ReLU(), _up(2 * width, width, bias=False)],
        width,
        [nn.BatchNorm2d(width), nn.ReLU(), _up(width, 1), nn.Tanh()],
    )


def _discriminator(width: int, model: str) -> "torch.nn.Module":
    from torch import nn

    leaky = nn.LeakyReLU(0.2)
    return _sequence(
        model,
        [nn.Conv2d(1, width, 4, 2, 1)],
        width,
        [leaky, nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False)],
        2 * width,
        [nn.BatchNorm2d(2 * width), leaky, nn.Flatten(), nn.Linear(2 * width * 49, 1)],
        1,
        [],
    )


def _up(inputs: int, outputs: int, bias: bool = True) -> "torch.nn.Module":
    from torch import nn

    return nn.ConvTranspose2d(inputs, outputs, 4, 2, 1, bias=bias)


def _sequence(model: str, *parts: Any) -> "torch.nn.Module":  # noqa: ANN401
    """Lists of layers, and between them the channels to which a label's learned bias is added."""
    from torch import nn

    class Labelled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks = nn.ModuleList(nn.Sequential(*part) for part in parts[::2])
            conditional = parts[1::2] if model == "cgan" else ()
            self.tables = nn.ModuleList(nn.Embedding(CLASSES, n) for n in conditional)

        def forward(self, x: "torch.Tensor", labels: "torch.Tensor | None") -> "torch.Tensor":
            for i, block in enumerate(self.blocks):
                x = block(x)
                if i < len(self.tables):
                    bias = self.tables[i](labels)
                    x = x + bias.view(*bias.shape, *[1] * (x.ndim - 2))
            return x

    return Labelled()
