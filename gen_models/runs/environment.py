"""The environment of a session, recorded so that results can be traced to code and machine."""

import json
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax

from gen_models.errors import UserError
from gen_models.version import __version__

# Entries whose change may change the last bits of a result.
DECISIVE = ("code", "libraries", "processor", "cores", "devices", "xla_flags")
LIBRARIES = ("jax", "jaxlib", "flax", "optax", "numpy")


def describe() -> dict[str, Any]:
    """Code version, Python, libraries, devices, threads and flags of this process."""
    try:
        devices = jax.devices()
    except RuntimeError as error:
        raise UserError(f"JAX finds no device to train on: {error}") from error
    return {
        "code": code_version(),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "platform": platform.platform(),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "devices": [f"{device.platform}: {device.device_kind}" for device in devices],
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def machine(session: dict[str, Any]) -> str:
    """Machine of a session as text, for a report."""
    return (
        f"{session['processor']}, {session['cores']} cores, {', '.join(session['devices'])}, "
        f"Python {session['python']}, jax {session['libraries']['jax']}"
    )


def in_words(session: dict[str, Any]) -> str:
    """Machine and code version of a session as text, for a report."""
    return f"{machine(session)}, code {session['code']}"


def code_version() -> str:
    """The commit of the source tree, with "-dirty" for changes outside of results/; without a
    checkout the package's version."""
    try:
        # Installed into an environment, the package may lie in another project's repository.
        _git("ls-files", "--error-unmatch", str(Path(__file__).resolve()))
        commit = _git("describe", "--always", "--abbrev=12")
        changed = _git("status", "--porcelain", "--untracked-files=no", ":(top,exclude)results")
    except (OSError, subprocess.SubprocessError):
        return __version__
    return f"{commit}-dirty" if changed else commit


def _git(*args: str) -> str:
    """Output of git in the source tree. Raises OSError or SubprocessError."""
    root = Path(__file__).resolve().parents[2]
    command = ["git", "-C", str(root), *args]
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    return done.stdout.strip()


def processor() -> str:
    """Name of the CPU, if the system provides it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def sessions(path: Path) -> list[dict[str, Any]]:
    """Sessions recorded in an environment.json; [] if it cannot be read."""
    try:
        found = json.loads(path.read_text())["sessions"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return []
    return [entry for entry in found if isinstance(entry, dict)] if isinstance(found, list) else []


def changes(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Texts on the differences of two sessions that may change the last bits of a result."""
    return [
        f"{name}: {before.get(name)} then, {now[name]} now"
        for name in DECISIVE
        if before.get(name) != now[name]
    ]
