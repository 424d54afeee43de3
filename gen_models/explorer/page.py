"""The page as one HTML file: the modules in page/, the style, and what there is to show."""

import html
import json
import re
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent / "page"
IMPORT = re.compile(r'^import (\{[^}]*\}) from "\./(\w+)\.js";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:const|function|class) (\w+))", re.MULTILINE)


def page(title: str, about: str, contents: dict[str, Any]) -> str:
    """Text of the HTML file, to be encoded as UTF-8. It opens from disk and asks no network."""
    parts = {
        "title": html.escape(title),
        "about": html.escape(about),
        "style": (PAGE / "style.css").read_text(),
        "script": bundle("main"),
        # No sign in it is then read as HTML.
        "contents": json.dumps(contents, separators=(",", ":")).replace("<", "\\u003c"),
    }
    frame = (PAGE / "index.html").read_text()
    return re.sub(r"\{(title|about|style|script|contents)\}", lambda match: parts[match[1]], frame)


def bundle(name: str) -> str:
    """A module of page/ with all that it imports, as one script, each in a scope of its own."""
    scripts: dict[str, str] = {}

    def add(name: str) -> None:
        if name in scripts:
            return
        text = (PAGE / f"{name}.js").read_text()
        for match in IMPORT.finditer(text):
            add(match[2])
        exports = ", ".join(match[1] for match in EXPORT.finditer(text))
        body = EXPORT.sub("", IMPORT.sub(r"const \1 = $\2;\n", text))
        scripts[name] = f"const ${name} = (() => {{\n{body}return {{ {exports} }};\n}})();\n"

    add(name)
    return "\n".join(scripts.values())
