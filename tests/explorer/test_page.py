"""The page as one file."""

import json
import re

from gen_models.explorer.page import PAGE, bundle, page


def test_the_script_has_every_module_once_after_those_it_imports():
    script = bundle(PAGE / "main.js")
    order = re.findall(r"^const \$(\w+) = \(\(\) => \{", script, re.MULTILINE)
    assert sorted(order) == sorted(path.stem for path in PAGE.glob("*.js"))
    for path in PAGE.glob("*.js"):
        for imported in re.findall(r'from "\./(\w+)\.js"', path.read_text()):
            assert order.index(imported) < order.index(path.stem)
    assert not re.search(r"^\s*(import|export) ", script, re.MULTILINE)


def test_text_of_users_is_escaped_and_contents_end_no_element():
    contents = {"name": "</script><!--<script>alert(1)</script> {script}"}
    text = page("<b>{style}</b>", "a & b", contents)
    assert "<title>&lt;b&gt;{style}&lt;/b&gt;</title>" in text
    assert text.count("</script>") == 2  # the contents' own, and the program's
    found = re.search(r'id="contents">(.*?)</script>', text, re.DOTALL)[1]
    assert json.loads(found) == contents
