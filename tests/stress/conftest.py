"""`make stress` writes what it measured to results/reliability.md."""

import os
import re
import time
from collections import defaultdict
from pathlib import Path

import pytest

from gen_models.runs import environment

REPORT = Path(__file__).parents[2] / "results" / "reliability.md"
IS_STRESS_RUN = "GEN_MODELS_KILLS" in os.environ


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    """Write the report, unless this is the short form or a test failed."""
    if IS_STRESS_RUN and exitstatus == 0 and not session.config.option.collectonly:
        terminal = session.config.pluginmanager.get_plugin("terminalreporter")
        command = " ".join(map(str, session.config.invocation_params.args))
        REPORT.parent.mkdir(exist_ok=True)
        REPORT.write_text("\n".join(report(command, session.items, terminal.stats)) + "\n")


def report(command, items, stats):
    """The lines of the report."""
    reports = defaultdict(list)
    for outcome in ("passed", "failed", "error", "skipped"):
        for entry in stats.get(outcome, []):
            reports[entry.nodeid].append((outcome, entry))
    yield from heading(command)
    yield "| test | cases | outcome | seconds |"
    yield "|---|---:|---|---:|"
    others = defaultdict(list)
    for item in items:
        cases = count_cases(getattr(item, "hypothesis_statistics", ""))
        properties = [p for _, entry in reports[item.nodeid] for p in entry.user_properties]
        if cases or properties:
            yield row(item.nodeid, cases or dict(properties).get("kills", 1), reports[item.nodeid])
        else:
            others[item.nodeid.partition("::")[0]].append(item.nodeid)
    for file, nodeids in others.items():
        entries = [entry for nodeid in nodeids for entry in reports[nodeid]]
        yield row(f"{file}, all others", len(nodeids), entries)
    for item in items:
        for _, entry in reports[item.nodeid]:
            if entry.user_properties:
                yield f"\n`{item.nodeid}`:\n"
                yield from (f"- {name}: {value}" for name, value in entry.user_properties)


def heading(command):
    """What was run, when, and on what."""
    here = environment.describe()
    yield "# Reliability, as measured\n"
    yield "Written by each run of the stress tests, as in `make stress`; do not edit.\n"
    yield f"- command: `pytest {command}`"
    yield f"- date: {time.strftime('%Y-%m-%d %H:%M', time.gmtime())} UTC"
    yield f"- code: {here['code']}"
    yield f"- machine: {here['processor']}, {here['cores']} cores, {here['platform']}"
    yield f"- devices: {', '.join(here['devices'])}"
    libraries = " ".join(f"{name} {number}" for name, number in here["libraries"].items())
    yield f"- software: Python {here['python']}, {libraries}"
    for name in ("GEN_MODELS_FUZZ", "GEN_MODELS_KILLS"):
        yield f"- {name}: {os.environ.get(name, 'not set')}"
    yield ""


def row(name, cases, entries):
    """One line of the table."""
    outcomes = [outcome for outcome, _ in entries]
    counts = {outcome: outcomes.count(outcome) for outcome in dict.fromkeys(outcomes)}
    text = ", ".join(f"{count} {outcome}" for outcome, count in counts.items())
    seconds = sum(entry.duration for _, entry in entries)
    return f"| `{name}` | {cases} | {text} | {seconds:.1f} |"


def count_cases(statistics):
    """How many cases hypothesis says that it put to a test, without those it could not use."""
    lines = re.findall(r"(\d+) passing, (\d+) failing", statistics)
    return sum(int(number) for line in lines for number in line)
