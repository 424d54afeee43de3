"""The environment of a session, recorded so that results can be traced to code and machine."""

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import jax

from gen_models.errors import UserError
from gen_models.storage import json_files
from gen_models.version import __version__

# Entries whose change may change the last bits of a result.
DECISIVE = ("code", "libraries", "processor", "cores", "devices", "xla_flags", "jax_settings")
SINCE_RECORDED = {"jax_settings": {}}  # entries that older sessions lack, with their usual values
# Settings of JAX, from JAX_… variables or from Python, that change a run's results or forbid what
# its programs do. Commands set them to these values.
FIXED_SETTINGS = {
    "jax_enable_x64": False,
    "jax_default_prng_impl": "threefry2x32",
    "jax_threefry_partitionable": True,
    "jax_random_seed_offset": 0,
    "jax_numpy_dtype_promotion": "standard",
    "jax_numpy_rank_promotion": "allow",
    "jax_transfer_guard": "allow",
}
# Settings that may change the last bits of a result, and their usual values.
FREE_SETTINGS = {
    "jax_default_matmul_precision": None,
    "jax_disable_jit": False,
    "jax_disable_most_optimizations": False,
    "jax_optimization_level": "UNKNOWN",
    "jax_exec_time_optimization_effort": 0.0,
}
# Variables that determine on which devices JAX computes.
DEVICE_VARIABLES = (
    "JAX_PLATFORMS",
    "JAX_PLATFORM_NAME",
    "JAX_DEFAULT_DEVICE",
    "JAX_NUM_CPU_DEVICES",
    "CUDA_VISIBLE_DEVICES",
)
GPU_PLUGINS = ("xla_cuda", "xla_rocm")  # prefixes of their names in the package jax_plugins
LIBRARIES = ("jax", "jaxlib", "flax", "optax", "numpy")


def describe() -> dict[str, Any]:
    """Code version, Python, libraries, devices, threads, flags and settings of this process.

    Raises UserError if JAX finds no device.
    """
    return {
        "code": code_version(),
        "python": platform.python_version(),
        "libraries": {name: version(name) for name in LIBRARIES},
        "platform": platform.platform(),
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "devices": [f"{device.platform}: {device.device_kind}" for device in devices()],
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        "jax_settings": unusual_settings(FIXED_SETTINGS | FREE_SETTINGS),
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def devices() -> list[jax.Device]:
    """The devices that JAX computes on. Raises UserError, with the variables that may be to blame,
    if there are none."""
    try:
        jax.device_put(0)  # fails, unlike the next line, if JAX_DEFAULT_DEVICE does not exist
        return jax.devices()
    # JAX asserts that a platform is left, which is not the case for "cuda" without a GPU.
    except (RuntimeError, AssertionError) as error:
        named = [f"{n}={os.environ[n]}" for n in DEVICE_VARIABLES if n in os.environ]
        reason = " ".join(str(error).split()) or "no device of this platform is visible"
        raise UserError(
            f"JAX finds no device to compute on with {' '.join(named) or 'JAX_PLATFORMS unset'}: "
            f"{reason:.300}; unset the variable, or set JAX_PLATFORMS=cpu to compute on the CPU"
        ) from error


def unusual_settings(usual: dict[str, Any]) -> dict[str, Any]:
    """The settings of JAX named in `usual` that have other values now, with these values."""
    now = {name: jax.config.values.get(name) for name in usual}  # None: unset, or not in this JAX
    return {name: x for name, x in now.items() if x is not None and x != usual[name]}


def fix_settings() -> dict[str, Any]:
    """Set JAX to FIXED_SETTINGS. Returns the settings that had other values, with those values."""
    before = unusual_settings(FIXED_SETTINGS)
    for name in before:
        jax.config.update(name, FIXED_SETTINGS[name])
    return before


@contextmanager
def fixed_settings() -> Iterator[None]:
    """Within the block JAX has FIXED_SETTINGS; afterwards it has those of before again."""
    before = fix_settings()
    try:
        yield
    finally:
        for name, value in before.items():
            jax.config.update(name, value)


def prepare_gpu() -> None:
    """Make GPU results reproducible to the bit, and let JAX allocate GPU memory on demand, unless
    the user has set this. By default the compiler takes whichever program it finds faster at that
    moment, and JAX allocates three quarters of the memory at once, too much for a second process.

    Call it before JAX finds its devices. On a machine without JAX's GPU plugin nothing is changed.
    """
    if _has_gpu_plugin():
        os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
        flags = os.environ.get("XLA_FLAGS", "")
        if "xla_gpu_deterministic_ops" not in flags:
            os.environ["XLA_FLAGS"] = f"{flags} --xla_gpu_deterministic_ops=true".strip()


def _has_gpu_plugin() -> bool:
    """Whether JAX's support of GPUs is installed."""
    plugins = find_spec("jax_plugins")
    folders = (plugins and plugins.submodule_search_locations) or []
    return any(plugin.name.startswith(GPU_PLUGINS) for plugin in iter_modules(folders))


def machine(session: dict[str, Any]) -> str:
    """Machine of a session as text, for a report."""
    return (
        f"{session['processor']}, {session['cores']} cores, {', '.join(session['devices'])}, "
        f"Python {session['python']}, jax {session['libraries']['jax']}"
    )


def machine_and_code(session: dict[str, Any]) -> str:
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
    process = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    return process.stdout.strip()


def processor() -> str:
    """Name of the CPU, if the system provides it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def read_sessions(path: Path) -> list[dict[str, Any]]:
    """Sessions recorded in an environment.json; [] if it cannot be read."""
    try:
        sessions = json_files.read(path)["sessions"]
    except json_files.DAMAGES:
        return []
    if not isinstance(sessions, list):
        return []
    return [session for session in sessions if isinstance(session, dict)]


def changes(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """Texts on differences between two sessions that may change the last bits of a result."""
    before = SINCE_RECORDED | before
    return [
        f"{name}: {before.get(name)} then, {now[name]} now"
        for name in DECISIVE
        if before.get(name) != now[name]
    ]
