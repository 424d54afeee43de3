"""Work that is done between frames."""

from node_js import needs_node, node


@needs_node
def test_a_task_that_fails_holds_up_no_other():
    assert node("later.mjs", None) == ["a", "c", "failed", "b", "d"]
