"""The same nets and the same training step in PyTorch, eager or compiled, for comparison. GANs have
no gradient penalty.

PyTorch is optional; it is imported when a twin is used. The twin is written to be fast: fused Adam,
weight averaging in one call, the generated batch shared by both players, no gradient of the
discriminator's weights in the generator's half of the step, and no `torch.device` context around a
step, in which each operation would pass through Python. It runs on a GPU if PyTorch finds one, on
the CPU otherwise. When compiled, each net is one program, which a GPU replays as a CUDA graph.
"""

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, NamedTuple

from gen_models.benchmark.rates import Precision
from gen_models.benchmark.rounds import Timed, timed
from gen_models.errors import UserError

if TYPE_CHECKING:
    import torch

LATENT = {"dcgan": 100, "cgan": 62, "vae": 10}  # latent dimensions, our defaults
RATE = 1e-3  # learning rate of every optimiser; times do not depend on it
HIDDEN = 16  # units of a hidden layer divided by the width
CLASSES = 10


class Twin(NamedTuple):
    """A training step in PyTorch."""

    model: str  # "dcgan", "cgan" or "vae"
    batch_size: int  # images per step
    width: int  # channels of the layers next to the image
    compiled: bool = False  # whether torch.compile compiles the nets
    precision: Precision = "highest"  # precision of matrix products; "bfloat16": by autocast


def check_installed() -> None:
    """Raises UserError if PyTorch is not installed."""
    if find_spec("torch") is None:
        raise UserError("PyTorch is not installed; pip install torch to compare against it")


def twin(setting: Twin, steps: int) -> Timed:
    """A contestant of `steps` steps of the twin on noise. Raises UserError without PyTorch."""
    check_installed()
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    with torch.device(device):
        step = (_vae if setting.model == "vae" else _gan)(setting)

    def work() -> None:
        torch.set_float32_matmul_precision("highest" if setting.precision == "highest" else "high")
        torch.backends.cudnn.allow_tf32 = setting.precision != "highest"
        cast = torch.autocast(device, torch.bfloat16, enabled=setting.precision == "bfloat16")
        with cast:
            for _ in range(steps):
                if setting.compiled and device == "cuda":  # earlier graphs' outputs are unused
                    torch.compiler.cudagraph_mark_step_begin()
                step()
        if device == "cuda":
            torch.cuda.synchronize()

    return timed(work, steps)


def _compiler(setting: Twin) -> "Callable[[torch.nn.Module], torch.nn.Module]":
    """A function to apply to each net: torch.compile if the twin is compiled, else the identity."""
    import torch

    if not setting.compiled:
        return lambda net: net
    torch._dynamo.config.recompile_limit = 256  # every twin compiles the same classes anew
    graphs = "reduce-overhead" if torch.cuda.is_available() else "default"
    return partial(torch.compile, mode=graphs)


def _gan(setting: Twin) -> Callable[[], None]:
    import torch
    from torch.nn.functional import softplus

    model, batch_size, width = setting[:3]
    conditional = model == "cgan"
    labels = torch.randint(0, CLASSES, (batch_size,))
    real = torch.rand(batch_size, 1, 28, 28) * 2 - 1
    gen = _compiler(setting)(_generator(LATENT[model], width, conditional))
    disc = _compiler(setting)(_discriminator(width, conditional))
    average = [p.detach().clone() for p in gen.parameters()]
    opt_gen, opt_disc = (
        torch.optim.Adam(player.parameters(), RATE, fused=True) for player in (gen, disc)
    )

    def step() -> None:
        z = torch.rand(batch_size, LATENT[model], device=real.device) * 2 - 1
        fake = gen(z, labels)
        opt_disc.zero_grad()
        on_real, on_fake = disc(real, labels), disc(fake.detach(), labels)
        (softplus(-on_real).mean() + softplus(on_fake).mean()).backward()
        opt_disc.step()
        disc.requires_grad_(False)
        opt_gen.zero_grad()
        softplus(-disc(fake, labels)).mean().backward()
        opt_gen.step()
        disc.requires_grad_(True)
        torch._foreach_lerp_(average, [p.detach() for p in gen.parameters()], 0.001)

    return step


def _vae(setting: Twin) -> Callable[[], None]:
    import torch
    from torch import nn
    from torch.nn.functional import binary_cross_entropy_with_logits

    _, batch_size, width = setting[:3]
    latent, flat, hidden = LATENT["vae"], 2 * width * 7 * 7, HIDDEN * width
    real = torch.rand(batch_size, 1, 28, 28)
    encoder = nn.Sequential(
        nn.Conv2d(1, width, 4, 2, 1),
        nn.ReLU(),
        nn.Conv2d(width, 2 * width, 4, 2, 1),
        nn.BatchNorm2d(2 * width),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(flat, hidden),
        nn.BatchNorm1d(hidden),
        nn.ReLU(),
        nn.Linear(hidden, 2 * latent),
    )
    decoder = nn.Sequential(
        nn.Linear(latent, hidden),
        nn.BatchNorm1d(hidden),
        nn.ReLU(),
        nn.Linear(hidden, flat),
        nn.BatchNorm1d(flat),
        nn.ReLU(),
        nn.Unflatten(1, (2 * width, 7, 7)),
        nn.ConvTranspose2d(2 * width, width, 4, 2, 1),
        nn.BatchNorm2d(width),
        nn.ReLU(),
        nn.ConvTranspose2d(width, 1, 4, 2, 1),
    )
    parameters = [*encoder.parameters(), *decoder.parameters()]
    encoder, decoder = map(_compiler(setting), (encoder, decoder))
    average = [p.detach().clone() for p in parameters]
    optimiser = torch.optim.Adam(parameters, RATE, fused=True)

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


def _generator(latent: int, width: int, conditional: bool) -> "torch.nn.Module":
    from torch import Tensor, nn

    class Finish(nn.Module):
        """A scale and shift per class, if conditional, then a ReLU: x [N,C] or [N,C,H,W]."""

        def __init__(self, channels: int) -> None:
            super().__init__()
            self.table = nn.Embedding(CLASSES, 2 * channels) if conditional else None

        def forward(self, x: Tensor, labels: Tensor) -> Tensor:
            if self.table is not None:
                rows = self.table(labels).reshape(len(x), -1, *(1,) * (x.ndim - 2))
                scale, shift = rows.chunk(2, dim=1)
                x = x * (1 + scale) + shift
            return x.relu()

    class Generator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            hidden, flat = HIDDEN * width, 2 * width * 49
            self.hidden = nn.Sequential(
                nn.Linear(latent, hidden, bias=False), nn.BatchNorm1d(hidden)
            )
            self.map = nn.Sequential(
                nn.Linear(hidden, flat, bias=False),
                nn.BatchNorm1d(flat),
                nn.Unflatten(1, (2 * width, 7, 7)),
            )
            self.wide = nn.Sequential(
                nn.ConvTranspose2d(2 * width, width, 4, 2, 1, bias=False), nn.BatchNorm2d(width)
            )
            self.finish = nn.ModuleList([Finish(hidden), Finish(2 * width), Finish(width)])
            self.image = nn.ConvTranspose2d(width, 1, 4, 2, 1)

        def forward(self, x: Tensor, labels: Tensor) -> Tensor:
            layers = (self.hidden, self.map, self.wide)
            for layer, finish in zip(layers, self.finish, strict=True):
                x = finish(layer(x), labels)
            return self.image(x).tanh()

    return Generator()


def _discriminator(width: int, conditional: bool) -> "torch.nn.Module":
    from torch import Tensor, nn

    class Discriminator(nn.Module):
        """Scores of images, or of images with their labels if conditional."""

        def __init__(self) -> None:
            super().__init__()
            hidden = HIDDEN * width
            norms = [] if conditional else [nn.BatchNorm1d(hidden)]
            self.features = nn.Sequential(
                nn.Conv2d(1, width, 4, 2, 1),
                nn.LeakyReLU(0.2),
                nn.Conv2d(width, 2 * width, 4, 2, 1, bias=False),
                nn.BatchNorm2d(2 * width),
                nn.LeakyReLU(0.2),
                nn.Flatten(),
                nn.Linear(2 * width * 49, hidden, bias=conditional),
                *norms,
                nn.LeakyReLU(0.2),
            )
            self.score = nn.Linear(hidden, 1)
            self.table = nn.Linear(hidden, CLASSES, bias=False) if conditional else None

        def forward(self, x: Tensor, labels: Tensor) -> Tensor:
            features = self.features(x)
            score = self.score(features)
            if self.table is not None:
                score = score + self.table(features).gather(1, labels[:, None])
            return score[:, 0]

    return Discriminator()
