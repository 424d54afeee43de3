from gen_models import render
from gen_models.classifiers import page, pictures, results, settings
from gen_models.classifiers.few import curves
from gen_models.classifiers.results import ClassifierResults, ResultRow
from gen_models.runs import Recipe


def row(number, seed=0, accuracy=0.5):
    return ResultRow(number, seed, images=60, seconds=1.0, peak_mib=9.0, accuracy=accuracy)


def test_rows_of_another_process_are_kept(tmp_path):
    path = tmp_path / "classifiers/real.json"
    first = second = ClassifierResults("real", "tiny", {"train": "abc"}, {})
    first = results.add_row(path, first, row(1))
    second = results.add_row(path, second, row(5))
    first = results.add_row(path, first, row(19))
    assert set(first.rows) == set(results.read(path).rows) == {(1, 0), (5, 0), (19, 0)}


def test_a_generator_of_before_an_option_was_added_is_that_of_its_value_of_then(tmp_path):
    now = Recipe.from_flat({"model": "cvae", "dataset": "tiny"}).apart_from_seed
    then = {name: value for name, value in now.items() if name != "prior_components"}
    path = tmp_path / "few.json"
    results.write(
        path, ClassifierResults("few-10-cvae", "tiny", {"recipe": then}, {(1, 0): row(1)})
    )
    empty = ClassifierResults("few-10-cvae", "tiny", {"recipe": now}, {})
    assert results.read_matching(path, empty).rows.keys() == {(1, 0)}


def few(count, model="", *accuracies):
    """Results of one family with `count` real images, an accuracy per seed."""
    name = f"few-{count}-{model}" if model else f"few-{count}"
    subject = {"few": count, "scikit-learn": "1.9"} | ({"samples": 7000} if model else {})
    best = settings.best()[0].number
    rows = {(best, seed): row(best, seed, x) for seed, x in enumerate(accuracies)}
    return ClassifierResults(name, "tiny", subject, rows)


def test_few_real_images_have_a_column_for_each_model_beside_them_and_one_for_its_gain():
    beside = [few(10, "cvae", 0.7), few(10, "cgan", 0.4)]
    sources = [few(10, "", 0.5), *beside, few(200, "", 0.8)]
    heading, cells = page.few_rows(curves(sources))
    cgan, cvae = "10 real, with 7,000 of cgan", "10 real, with 7,000 of cvae"
    columns = ["10 real, alone", cgan, "gain", cvae, "gain", "200 real, alone"]
    assert heading == ["family", *columns]
    family = settings.best()[0].family
    assert cells == [family, "0.500", "0.400", "-0.100", "0.700", "+0.200", "0.800"]


def test_a_gain_is_the_mean_of_the_differences_of_equal_seeds():
    # Differences of 0.02 and 0.04; Student's t at one degree of freedom is 12.706.
    alone, added = few(10, "", 0.5, 0.7), few(10, "cgan", 0.52, 0.74, 0.9)
    _, cells = page.few_rows(curves([alone, added]))
    assert cells[3] == "+0.030 ± 0.127"
    assert page.few_rows(curves([few(10), few(10, "cgan", 0.5), few(20, "", 0.5)]))[1][3] == "–"


def test_an_accuracy_is_not_replaced_by_a_failure(tmp_path):
    path = tmp_path / "real.json"
    empty = ClassifierResults("real", "tiny", {"train": "abc"}, {})
    results.add_row(path, empty, row(1))
    slower = results.add_row(
        path, empty, ResultRow(1, 0, images=60, seconds=61, peak_mib=9, over="time")
    )
    assert slower.rows[1, 0].accuracy == 0.5


def test_a_source_without_an_accuracy_is_in_no_chart(monkeypatch):
    sources = [few(10, "", 0.5)._replace(name="real"), few(10)._replace(name="failed")]
    legends = []

    def chart(draw, *args):
        def draw_and_record(panels):
            draw(panels)
            legends.append([text.get_text() for text in panels[0].get_legend().get_texts()])

        return render_chart(draw_and_record, *args)

    render_chart = render.chart
    monkeypatch.setattr(render, "chart", chart)
    pictures.family_chart(sources, "tiny")
    assert legends == [["real"]]
