"""Reports of a benchmark's figures: a Markdown page, a JSON file and a chart."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gen_models import render
from gen_models.runs import environment
from gen_models.storage.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = {
    "ms_a_step": ("ms per step", "{:.1f}"),
    "images_a_s": ("images/s", "{:.0f}"),
    "gflop_a_step": ("GFLOP per step, by definition of the layers", "{:.2f}"),
    "gflop_done": ("GFLOP per step, as executed", "{:.2f}"),
    "of_matmul_rate": ("share of the matmul rate", "{:.0%}"),
    "torch_over_ours": ("PyTorch eager ÷ ours", "{:.2f}"),
    "torch_compiled_over_ours": ("PyTorch compiled ÷ ours", "{:.2f}"),
    "lax_loop_over_ours": ("lax.conv in the loop ÷ ours", "{:.1f}"),
    "lax_calls_over_ours": ("lax.conv, one call per step ÷ ours", "{:.2f}"),
    "member_over_ours": ("step of one of 4 members ÷ ours", "{:.2f}"),
    "sampled_images_a_s": ("images sampled/s", "{:.0f}"),
    "fit_of_bare_rate": ("fit loop, share of the bare rate", "{:.1%}"),
    "step_over_stream": ("step ÷ input pipeline alone", "{:.0f}"),
    "cold_first_step_s": ("cold start to first step, s", "{:.1f}"),
    "warm_first_step_s": ("warm start to first step, s", "{:.1f}"),
    "peak_mib": ("peak memory, MiB", "{:.0f}"),
}

RIVALS = {
    "torch_over_ours": "PyTorch eager",
    "torch_compiled_over_ours": "PyTorch compiled",
    "lax_calls_over_ours": "lax.conv, one call per step",
    "lax_loop_over_ours": "lax.conv in the loop",
}


def table(figures: dict[str, dict[str, float]]) -> str:
    """Markdown table with one row per figure that was measured and one column per model."""
    models = list(figures)
    rows = [["", *models]]
    for name, (title, form) in COLUMNS.items():
        if any(name in figures[model] for model in models):
            cells = [form.format(figures[m][name]) if name in figures[m] else "–" for m in models]
            rows.append([title, *cells])
    return render.markdown_table(rows)


def scaling_table(points: list[dict[str, Any]]) -> str:
    """Markdown table with one row per point of batch size and width."""
    titles = ["model", "batch", "width", "ms per step", "images/s"]
    form = "{model}|{batch_size}|{width}|{ms_a_step:.1f}|{images_a_s:.0f}"
    share = "of_matmul_rate"
    if all(share in point for point in points):
        titles, form = [*titles, "share of the matmul rate"], f"{form}|{{{share}:.0%}}"
    return render.markdown_table([titles, *(form.format(**point).split("|") for point in points)])


def cost_table(unit: str, lines: list[dict[str, Any]]) -> str:
    """Markdown table of the cost of a step, one row per model."""
    titles = ["model", f"step ÷ {unit}'s", "ms per step", "images a step", "weights, millions"]
    form = "`{model}`|{over_unit:.2f}|{ms_a_step:.1f}|{images_a_step}|{million_weights:.2f}"
    return render.markdown_table([titles, *(form.format(**line).split("|") for line in lines)])


def markdown(result: dict[str, Any]) -> str:
    """Markdown text of the whole report."""
    machine, setting = result["machine"], result["setting"]
    text = f"""# Speed

Measured by `{setting["command"]}` on
{environment.machine_and_code(machine)}.
Medians over {setting["rounds"]} rounds ({setting["point_rounds"]} in the tables below the first).
All contestants of a model run once per round, and ratios are taken within a round. The fit loop and
the bare step run {setting["fit_rounds"]} times for several seconds each; the fastest run of each
counts, as a shared machine's speed changes meanwhile. Batch {setting["batch_size"]}, width
{setting["width"]}, float32. The median matmul rate (1024×1024 float32 products, same rounds) was
{result["matmul_gflop_s"]:.0f} GFLOP/s, from {result["matmul_low"]:.0f} to
{result["matmul_high"]:.0f}. The share of it counts convolutions by their definition; the program
needs fewer operations.

{table(result["models"])}"""
    if result["scaling"]:
        text += f"\n## Scaling with batch size and width\n\n{scaling_table(result['scaling'])}"
    if result["costs"]:
        lines = cost_table(result["unit"], result["costs"])
        text += f"\n## Cost of a step by model\n\nDefault options.\n\n{lines}"
    return text


def write(result: dict[str, Any], prefix: Path) -> list[Path]:
    """Write PREFIX.md, PREFIX.json and PREFIX.png. Returns their paths."""
    paths = [prefix.parent / (prefix.name + suffix) for suffix in (".md", ".json", ".png")]
    texts = (markdown(result), json.dumps(result, indent=2) + "\n")
    for path, text in zip(paths, texts, strict=False):
        write_bytes(path, text.encode())
    _chart(result, paths[-1])
    return paths


def _chart(result: dict[str, Any], path: Path) -> None:
    """Write a chart of milliseconds per step, by model and by its rivals."""
    bars = {}  # milliseconds by label
    for model, figures in reversed(result["models"].items()):
        for rival, name in reversed(RIVALS.items()):
            if rival in figures:
                bars[f"{model}: {name}"] = figures["ms_a_step"] * figures[rival]
        bars[f"{model}: gen_models"] = figures["ms_a_step"]

    def draw(panels: Sequence[Axes]) -> None:
        (axes,) = panels
        colours = ["tab:blue" if label.endswith("gen_models") else "0.7" for label in bars]
        drawn = axes.barh(list(bars), list(bars.values()), color=colours)
        axes.bar_label(drawn, fmt="%.0f", padding=3)
        axes.set_xlabel("milliseconds per training step, lower is better")

    render.save_png(render.chart(draw, 1, 1, (8, 1 + 0.3 * len(bars))), path)
