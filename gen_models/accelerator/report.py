"""The report on a card, made in parts, each with a process and a time limit of its own.

A part's figures are written when it ends, even if it is stopped or fails, so that a report that is
cut off is still useful. A part that fails is noted in the report, and the next one runs.
"""

import itertools
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event, Lock
from typing import NamedTuple

import jax

from gen_models.accelerator import (
    agreement,
    board,
    company,
    flags,
    job,
    populations,
    repeatability,
    rivals,
    speed,
)
from gen_models.accelerator.extent import FULL, SHORT, Figures, Keep, ReportExtent
from gen_models.benchmark import commands
from gen_models.errors import UserError
from gen_models.runs import environment
from gen_models.storage.files import write_text

FORMAT, VERSION = "gen_models.accelerator", 2
CORES_FOR_SEVERAL = 8  # with fewer, untimed parts run one after another too
BOARD = "board"  # name of the last part, which takes what is left of the time
SAID = 600  # characters of a failed part's output
Say = Callable[[str], None]


class ReportPart(NamedTuple):
    """One part of the report, which is made in a process of its own."""

    title: str
    measure: Callable[[ReportExtent, Figures, Keep], None]  # continues from the given figures
    page: Callable[[Figures], str]
    limit_s: float  # after which the part is stopped
    timed: bool = True  # whether nothing else may run beside it


PARTS = {
    "agreement": ReportPart(
        "Is it right?", agreement.measure, agreement.page, limit_s=150, timed=False
    ),
    "repeatability": ReportPart(
        "Is it the same twice?", repeatability.measure, repeatability.page, 150, timed=False
    ),
    "company": ReportPart(
        "Commands beside a training", company.measure, company.page, 150, timed=False
    ),
    "speed": ReportPart("How fast is a training step?", speed.measure, speed.page, 150),
    "job": ReportPart("The whole job", job.measure, job.page, 150),
    "rivals": ReportPart("Beside PyTorch", rivals.measure, rivals.page, 200),
    "populations": ReportPart("Populations", populations.measure, populations.page, 120),
    "flags": ReportPart("Speed by XLA's options", flags.measure, flags.page, 100),
}


def measure(name: str, extent: ReportExtent, into: Path) -> None:
    """Measure one part in this process. Writes its figures to `into` as it goes, and continues from
    those already there."""
    figures: Figures = json.loads(into.read_text()) if into.exists() else {}
    keep = lambda: write_text(into, json.dumps(figures, indent=2) + "\n")
    PARTS[name].measure(extent, figures, keep)
    keep()


def describe_machine() -> Figures:
    """Description of this machine and its card. To be called in a process of its own, as JAX takes
    card memory that the parts need."""
    return environment.describe() | {
        "runtime": jax.devices()[0].client.platform_version,
        "driver": _driver_version(),
        "card": jax.devices()[0].device_kind,
        "platform_of_card": jax.default_backend(),
    }


def _driver_version() -> str | None:
    """Version of NVIDIA's driver, or None if there is none."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    line = [program, "--query-gpu=driver_version", "--format=csv,noheader"]
    answer = subprocess.run(line, capture_output=True, text=True, check=False).stdout
    return answer.strip().partition("\n")[0] or None


def _rank(results: Figures) -> tuple[bool, bool]:
    """Rank of a part's results: finished, then unfinished with figures, then none."""
    return "figures" in results and "failed" not in results, "figures" in results


class CardReport:
    """A report that is rewritten after each part, and continues an earlier report of the same kind
    of card, libraries and XLA flags."""

    def __init__(self, folder: Path, short: bool | None, models: Sequence[str], say: Say) -> None:
        """`short` None means short on a CPU only. Raises UserError for a machine that JAX cannot
        use or a folder that cannot be written."""
        self.say, self.models = say, models
        self.stopped = Event()  # set on Ctrl-C: running parts end, and no other begins
        self.writing = Lock()
        with TemporaryDirectory() as scratch:
            into = Path(scratch, "machine.json")
            commands.run(["accelerator", "--describe", "--into", str(into)]).check()
            self.machine = json.loads(into.read_text())
        on_cpu = self.machine["platform_of_card"] == "cpu"
        self.short = on_cpu if short is None else short
        self.extent = SHORT if self.short else FULL
        name = re.sub(r"[^a-z0-9]+", "-", self.machine["card"].lower()).strip("-")
        name = "-".join([name, *models, *["short"] * self.short])
        self.prefix = folder / name
        self.board = folder / f"{name}-board"
        self.parts = self._read_earlier()
        self.write()

    def _read_earlier(self) -> dict[str, Figures]:
        """The parts of an earlier report that this one continues. One of other libraries or flags
        is moved away."""
        file = self.prefix.with_suffix(".json")
        if not file.exists():
            return {}
        kinds, decisive = ("format", "version", "short"), ("libraries", "xla_flags")
        mine = [FORMAT, VERSION, self.short, *map(self.machine.get, decisive)]
        try:
            before = json.loads(file.read_text())
            parts, day = before["parts"], before["machine"]["started"][:10]
            its = [*map(before.get, kinds), *map(before["machine"].get, decisive)]
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            raise UserError(f"{file} is no report: {error!s:.200}; move it away") from error
        if its == mine:
            return parts
        kept = self._free_prefix(f"{self.prefix.name}-{day}")  # the old measurements are kept
        for suffix in (".json", ".md"):
            if self.prefix.with_suffix(suffix).exists():
                self.prefix.with_suffix(suffix).replace(kept.with_suffix(suffix))
        self.say(f"{file} is of other libraries or flags; it is kept as {kept.name}")
        return {}

    def _free_prefix(self, name: str) -> Path:
        """The first path prefix of NAME, NAME-2, NAME-3, … that no report has."""
        names = itertools.chain([name], (f"{name}-{number}" for number in itertools.count(2)))
        prefixes = (self.prefix.with_name(name) for name in names)
        return next(prefix for prefix in prefixes if not prefix.with_suffix(".json").exists())

    def missing(self) -> list[str]:
        """Names of the parts that are not finished."""
        return [name for name in PARTS if "failed" in self.parts.get(name, {"failed": ""})]

    def make(self, parts: Sequence[str], minutes: float) -> bool:
        """Make the parts, then fill the scoreboard in the time left. Returns whether all went
        well."""
        until = time.monotonic() + 60 * minutes
        went_well: list[bool] = []
        has_cores = (os.cpu_count() or 1) >= CORES_FOR_SEVERAL
        side_by_side = 2 if self.short or has_cores else 1  # number of untimed parts
        is_timed = lambda name: PARTS[name].timed and not self.short
        for alone, names in itertools.groupby(parts, key=is_timed):
            threads = 1 if alone else side_by_side
            with ThreadPoolExecutor(threads) as pool:
                try:
                    went_well += pool.map(partial(self._make, until=until), names)
                except KeyboardInterrupt:
                    self.stopped.set()
                    raise
        if self.extent.board_seeds and time.monotonic() < until:
            self.say(f"scoreboard: {until - time.monotonic():.0f} s are left for it")
            filled = board.fill(self.extent, self.board, until)
            self._keep(BOARD, {"figures": filled})
            went_well.append(not filled["failed"])
        return all(went_well)

    def _make(self, name: str, until: float) -> bool:
        """Make a part and write its figures. Returns whether it went well."""
        return self._keep(name, self._run(name, until))

    def _keep(self, name: str, results: Figures) -> bool:
        """Write a part's results, unless earlier ones rank higher. Returns whether it went well."""
        with self.writing:
            if _rank(results) >= _rank(self.parts.get(name, {})):
                self.parts[name] = results
            self.write()
        return "failed" not in results

    def _run(self, name: str, until: float) -> Figures:
        """Results of a part's process, with "failed" if it did not end well."""
        limit = min(PARTS[name].limit_s, until - time.monotonic())
        if limit <= 0 or self.stopped.is_set():
            return {"failed": "no time was left for it"}
        self.say(f"{name}: {PARTS[name].title}")
        with TemporaryDirectory() as scratch:
            into = Path(scratch, "figures.json")
            earlier = self.parts.get(name, {})
            if "failed" in earlier and "figures" in earlier:
                into.write_text(json.dumps(earlier["figures"]))
            args = ["accelerator", "--parts", name, "--into", str(into), *["--short"] * self.short]
            if self.models:
                args += ["--models", *self.models]
            should_stop = self.stopped.is_set
            process = commands.run(args, limit_s=limit, group=True, should_stop=should_stop)
            results: Figures = {"figures": json.loads(into.read_text())} if into.exists() else {}
        if process.code:
            over = f"stopped after {limit:.0f} s" if process.seconds >= limit else ""
            end = process.output.strip()[-SAID:]
            results["failed"] = over or f"exit code {process.code}: {end}"
            self.say(f"{name}: {results['failed']}")
        return results | {"seconds": round(process.seconds, 1), "code": self.machine["code"]}

    def write(self) -> None:
        """Write the report as it is now, as JSON and as Markdown."""
        values = {"format": FORMAT, "version": VERSION, "short": self.short}
        values |= {"machine": self.machine, "parts": self.parts}
        write_text(self.prefix.with_suffix(".json"), json.dumps(values, indent=2) + "\n")
        write_text(self.prefix.with_suffix(".md"), page(values))


def page(report: Figures) -> str:
    """A report as Markdown."""
    machine = report["machine"]
    lines = [f"# {machine['card']}", "", f"{environment.machine_and_code(machine)}."]
    driver = f", driver {machine['driver']}" if machine["driver"] else ""
    lines += [f"{machine['runtime'].splitlines()[0]}{driver}."]
    if report["short"]:
        lines += ["", "**The short form**: it shows that every part runs. Its times mean nothing."]
    for name in [*PARTS, BOARD]:
        if name not in report["parts"]:
            continue
        part, results = PARTS.get(name), report["parts"][name]
        lines += ["", f"## {part.title if part else 'What it finds'}", ""]
        if results.get("code", machine["code"]) != machine["code"]:
            lines += [f"Measured with code {results['code']}.", ""]
        if "failed" in results:
            lines += [f"**Not finished**: {' '.join(results['failed'].split())}", ""]
        if "figures" in results:
            lines += [(part.page if part else board.page)(results["figures"]).strip()]
    return "\n".join(lines) + "\n"
