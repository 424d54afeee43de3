"""Export a generator: `python -m experiments.export RUN` writes programs that JAX alone can run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from experiments import command
from gen_models import trained
from gen_models.fields import counted, validate
from gen_models.sampling import export
from gen_models.storage.files import write_bytes, write_text
from gen_models.trained import Trained

README = """# A generator, without gen_models

`{model}` after {steps} on {dataset}; its labels, {classes}, {effect}. With JAX and
flatbuffers:

```python
import jax, numpy as np
from pathlib import Path

program = jax.export.deserialize(bytearray(Path("sample.stablehlo").read_bytes()))
sample = jax.jit(program.call)  # on {platforms}; any number of images
images = sample(np.uint32(0), np.arange(10, dtype=np.int32))  # seed, labels -> f32[10,{size},1]
```

Images are in [-1,1]. `generate.stablehlo` takes latents f32[N,{latents}] in place of the seed.
"""
ONNX_README = """
`generate.onnx` takes the same, by name: `z` f32[N,{latents}] and `labels` i32[N] -> `images`.
"""


@dataclass(frozen=True)
class Options:
    """Export the sampling program of a trained model as StableHLO, for CPU, CUDA and TPU."""

    model: Annotated[Path, tyro.conf.Positional]
    """Run folder, saved model file, or name of a shipped model, such as fashion_mnist-cgan."""
    onnx: bool = False
    """Also export as ONNX, which needs jax2onnx."""
    best: bool = False
    """Use the best checkpoint that --evaluate-every-steps kept instead of the last one."""
    out: Path | None = None
    """Folder to write. Default: exported/ in the run, or MODEL-exported in the working folder."""


def readme(model: Trained, *, with_onnx: bool) -> str:
    """Text of the README.md that tells how to run the exported programs."""
    latents = ",".join(map(str, export.latent_shape(model.model)))
    effect = "are ignored" if not model.conditional else "decide what is drawn"
    text = README.format(
        model=model.recipe.options.model,
        steps=counted(int(model.state.step), "step"),
        dataset=model.recipe.options.dataset,
        classes=f"0 to {len(model.class_names) - 1}",
        effect=effect,
        platforms=", ".join(export.PLATFORMS),
        size=f"{model.data.height},{model.data.width}",
        latents=latents,
    )
    return text + (ONNX_README.format(latents=latents) if with_onnx else "")


def main(args: Sequence[str]) -> int:
    """Export the programs, print where they are. Returns the exit code."""
    options = command.parse("export", Options, args)
    validate(options)
    model = trained.load(options.model, best=options.best)
    default = options.model / "exported" if options.model.is_dir() else f"{model.name}-exported"
    out = options.out or Path(default)
    files = {
        f"{name}.stablehlo": program
        for name, program in export.stablehlo(model.model, model.state)._asdict().items()
    }
    if options.onnx:
        files["generate.onnx"] = export.onnx(model.model, model.state)
    out.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        write_bytes(out / name, content)
        print(f"{out / name}: {len(content) / 1e6:.1f} MB")
    write_text(out / "README.md", readme(model, with_onnx=options.onnx))
    print(f"how to run them: {out / 'README.md'}")
    return 0


if __name__ == "__main__":
    command.run(main)
