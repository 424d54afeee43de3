"""Links hold all that is shown, and what does not fit is refused."""

from node_js import needs_node, node

RUN = {
    "classes": ["zero", "one", "two"],
    "order": [0, 1, 2] * 4,
    "size": [2, 3],
    "checkpoints": [{"step": 500}, {"step": 1000}],
    "directions": [{}, {}],
    "parts": [{"size": 4, "reach": 1}, {"size": 1, "reach": 2}],
    "encodes": True,
    "latent": [2],
    "programs": {},
}
PAGE = {"runs": [RUN], "tests": {"labels": [0, 1, 2]}}
CHANGES = {
    "view": "plane",
    "seed": 2**31 - 1,
    "a": 11,
    "u": 0.25,
    "label": 2,
    "other": 0,
    "test": None,
    "ink": [0, 17, 255, 0, 34, 0],
    "step0": 0,
    "move0": [-0.5, 1],
    "part0": [3, None],
    "code0": [2.5, -3],
}
WRONG = """seed=x seed=-1 seed=1e3 seed a=12 view=all label=3 u=1.5 u= ink=abc ink=zzzzzz move0=1
move0=2_0 part0=4_ step0=2 step1=0 code0=1_NaN constructor=1 <b>=1
seed=2&seed=2 seed=2=2 test=3 step0=0 step0=750"""


@needs_node
def test_a_page_without_encoders_or_test_images_has_no_links_to_them():
    page = {"runs": [RUN | {"encodes": False}], "tests": None}
    wrong = ["view=image", "test=0", "code0=0_0"]
    answer = node("links.mjs", {"page": page, "changes": {"test": None}, "texts": wrong})
    assert all(refusal is not None for refusal in answer["refused"]), answer["refused"]


@needs_node
def test_a_link_is_read_as_what_it_was_written_for_and_others_are_refused():
    answer = node("links.mjs", {"page": PAGE, "changes": CHANGES, "texts": WRONG.split()})
    assert answer["start"] == ""
    assert {name: answer["again"][name] for name in CHANGES} == CHANGES
    for text, refusal in zip(WRONG.split(), answer["refused"], strict=True):
        assert refusal is not None and refusal.startswith("RangeError"), text
