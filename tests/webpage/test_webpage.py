"""Pages as one file."""

import json
import re

import pytest

from gen_models.explorer import making as explorer
from gen_models.maps import files as maps
from gen_models.webpage.making import bundle, page


@pytest.mark.parametrize("folder", [explorer.PAGE, maps.PAGE], ids=["explorer", "map"])
def test_the_script_has_every_module_once_after_those_it_imports(folder):
    script = bundle(folder / "main.js")
    order = re.findall(r"^const \$(\w+) = \(\(\) => \{", script, re.MULTILINE)
    assert sorted(order) == sorted(["dom", *(path.stem for path in folder.glob("*.js"))])
    for path in folder.glob("*.js"):
        for imported in re.findall(r'from "[./\w]*/(\w+)\.js"', path.read_text()):
            assert order.index(imported) < order.index(path.stem)
    assert not re.search(r"^\s*(import|export) ", script, re.MULTILINE)


def test_text_of_users_is_escaped_and_contents_end_no_element():
    contents = {"name": "</script><!--<script>alert(1)</script> {script}"}
    text = page("<b>{style}</b>", "a & b", contents, explorer.PAGE)
    assert "<title>&lt;b&gt;{style}&lt;/b&gt;</title>" in text
    assert text.count("</script>") == 2  # the contents' own, and the program's
    embedded = re.search(r'id="contents">(.*?)</script>', text, re.DOTALL)[1]
    assert json.loads(embedded) == contents
