"""The playground's Python side: its generators, its data, its server and its command."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy
from safetensors import safe_open
from trainings import free_port

import gen_models as gm
from experiments import export, sample
from experiments import playground as command
from gen_models import explorer, playground
from gen_models.data.pixels import to_float
from gen_models.errors import UserError
from gen_models.evaluation import classifier, features, frechet
from gen_models.fields import ConfigError
from gen_models.nets import conv, layered
from gen_models.playground import material
from gen_models.playground.site import Site

FILES = Path(__file__).parents[2] / "playground/tests"
GENERATOR = FILES / "generator.safetensors"
CLASSIFIER = FILES / "classifier.safetensors"
LAYERS = [
    "dense 49",
    "batch_norm",
    "relu",
    "map 7",
    "double 2",
    "leaky_relu 0.2",
    "double 1",
    "tanh",
]


def saved(path, layers=LAYERS, labels=True, **changes):
    """A generator as the page saves it, with random weights."""
    rng = np.random.default_rng(0)
    latent, classes = 4, 3
    _, shapes = layered.follow(layers, (latent + classes * labels,))
    tensors = {
        f"params/{place}/{name}": rng.uniform(0.1, 0.3, shape).astype(np.float32)
        for place, layer in shapes.items()
        for name, shape in layer.items()
    }
    recipe = {"model": "playground", "dataset": "mnist", "steps": 9, "batch_size": 8, "seed": 1}
    recipe |= {"latent_size": latent, "layers": list(layers), "labels": labels} | changes
    data = {"digest": "0", "height": 28, "width": 28, "class_names": list("abc")}
    about = {"version": 2, "step": 9, "recipe": recipe, "data": data | {"labels": [0, 1, 2]}}
    path.write_bytes(safetensors.numpy.save(tensors, {"gen_models.model": json.dumps(about)}))
    return path


def test_layers_compute_what_the_page_computes():
    with safe_open(GENERATOR, framework="numpy") as file:
        layers = json.loads(file.metadata()["layers"])
    tensors = safetensors.numpy.load_file(GENERATOR)
    weights = {}
    for name, tensor in tensors.items():
        if name.startswith("params/"):
            _, place, part = name.split("/")
            weights.setdefault(place, {})[part] = tensor
    images = layered.apply(layers, weights, tensors["z"])
    np.testing.assert_allclose(images, tensors["images"], atol=2e-5)
    shape, shapes = layered.follow(layers, tensors["z"].shape[1:])
    assert shape == (28, 28, 1)
    assert {p: {n: x.shape for n, x in layer.items()} for p, layer in weights.items()} == shapes


def test_a_saved_generator_is_drawn_from_by_class(tmp_path):
    model = gm.load(saved(tmp_path / "mine.safetensors"))
    assert model.conditional
    images = model.sample(6, label=2, seed=3)
    assert (images.shape, images.dtype) == ((6, 28, 28), np.uint8)
    np.testing.assert_array_equal(model.sample(2, label=2, seed=3), images[:2])
    assert (model.sample(1, label=1, seed=3) != images[:1]).any()


def test_the_command_samples_from_it_and_it_can_be_saved_again(tmp_path):
    path = saved(tmp_path / "mine.safetensors", labels=False)
    assert sample.main([str(path), "--count", "20", "--out", str(tmp_path / "a.png")]) == 0
    assert (tmp_path / "a.png").exists()
    again = tmp_path / "again.safetensors"
    gm.load(path).save(again)
    np.testing.assert_array_equal(gm.load(again).sample(3), gm.load(path).sample(3))


@pytest.mark.parametrize("labels", [False, True])
def test_the_explorer_reads_it(labels, tmp_path):
    page = explorer.make_page([saved(tmp_path / "mine.safetensors", labels=labels)], print)
    assert page.name == "mine" and page.weights > 49


@pytest.mark.parametrize("labels", [False, True])
def test_it_is_exported_for_any_number_of_images(labels, tmp_path):
    path = saved(tmp_path / "mine.safetensors", [*LAYERS, "flatten", "map 28"], labels)
    assert export.main([str(path), "--out", str(tmp_path / "out")]) == 0
    assert any((tmp_path / "out").iterdir())


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        (("dense 784", "map 14"), "draw 14×14×4"),
        (("dense 50", "map 7"), "do not fill maps of 7×7"),
        (("dens 784",), "'dense'"),
        (("dense much",), "expected dense with a whole number"),
        (("relu 2",), "expected relu with no number"),
        (("map 0",), "does not fit"),
    ],
)
def test_layers_that_are_wrong_are_one_line(layers, reason, tmp_path):
    path = saved(tmp_path / "mine.safetensors")
    raw = path.read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8:start])
    about = json.loads(header["__metadata__"]["gen_models.model"])
    about["recipe"]["layers"] = layers
    header["__metadata__"]["gen_models.model"] = json.dumps(about)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + raw[start:])
    with pytest.raises(UserError, match=re.escape(reason)):
        gm.load(path)


def test_it_is_trained_in_the_page_alone():
    with pytest.raises(ConfigError, match="no model is called 'playground'"):
        gm.train(model="playground")


def described(tensors, images):
    """The features that the layers of a data file have of images u8[N,28,28]."""
    weights = {name: tensor.astype(np.float32) for name, tensor in tensors.items()}
    x = to_float(images)
    for layer, stride in (("convolution", 1), ("halve_0", 2), ("halve_1", 2), ("halve_2", 2)):
        x = conv.convolve(x, weights[f"{layer}.kernel"], stride=stride, padding=1)
        x = np.maximum(x + weights[f"{layer}.bias"], 0)
    x = np.asarray(x).reshape(len(images), -1) @ weights["dense.kernel"]
    return np.maximum(x + weights["dense.bias"], 0)


def test_the_file_by_which_the_pages_features_are_tested_has_those_of_python():
    rng = np.random.default_rng(0)
    shapes = [(3, 3, 1, 4), (4, 4, 4, 6), (4, 4, 6, 8), (4, 4, 8, 10), (90, 12)]
    tensors = {}
    for name, shape in zip(material.NAMES, shapes, strict=True):
        kernel = rng.normal(0.02, np.prod(shape[:-1]) ** -0.5, shape)
        tensors[f"{name}.kernel"] = kernel.astype(np.float16)
        tensors[f"{name}.bias"] = rng.normal(0.1, 0.1, shape[-1]).astype(np.float16)
    images, others = rng.integers(0, 256, (2, 64, 28, 28)).astype(np.uint8)
    images = images[:16]
    reference = frechet.gaussian(described(tensors, others))
    tensors["features"] = described(tensors, images)
    distance = frechet.distance(frechet.gaussian(np.tile(tensors["features"], (8, 1))), reference)
    tensors |= {"images": images, "mean": reference.mean.astype(np.float32)}
    tensors["root"] = reference.factor.astype(np.float32)
    if os.environ.get("WRITE_FILES"):
        safetensors.numpy.save_file(tensors, CLASSIFIER, {"distance": str(distance)})
    with safe_open(CLASSIFIER, framework="numpy") as file:
        assert float(file.metadata()["distance"]) == pytest.approx(distance, rel=1e-4)
    committed = safetensors.numpy.load_file(CLASSIFIER)
    for file in (committed, tensors):
        file["root"] = file["root"].T @ file["root"]  # the signs of a root are not its own
    assert committed.keys() == tensors.keys()
    for name, tensor in tensors.items():
        np.testing.assert_allclose(committed[name], tensor, atol=1e-4, err_msg=name)


@pytest.fixture(scope="module", params=["fashion_mnist", "mnist"])
def packed(request, real_splits):
    """A known data set and its file."""
    return real_splits(request.param), material.pack_data(request.param)


@pytest.mark.slow
def test_a_data_file_has_the_first_images_and_measures_as_the_classifier_does(packed):
    (train, test), raw = packed
    assert len(raw) < 6e6
    tensors = safetensors.numpy.load(raw)
    np.testing.assert_array_equal(tensors["images"], train.images[: material.COUNT])
    np.testing.assert_array_equal(tensors["labels"], train.labels[: material.COUNT])
    images = train.images[:50]
    file_features = described(tensors, images)
    net = features.of(train.name)
    expected, _ = classifier.classify(net.classifier, net.spec.num_classes, images)
    tolerance = 0.02 * expected.max()  # of half precision
    np.testing.assert_allclose(file_features, expected, atol=tolerance)
    covariance = tensors["root"].T @ tensors["root"]
    real = features.describe_real(net, test).features["classifier"]
    np.testing.assert_allclose(covariance, np.cov(real, rowvar=False), atol=1e-3)


SITE = Site({"index.html": lambda: b"<p>hello", "data/a.bin": lambda: b"\x00\x01", "bad": 0})


def failing():
    raise UserError("the data are not there")


@pytest.fixture
def served():
    """A function that asks a running server for a path, and the server."""
    with playground.server(Site(SITE.files | {"bad": failing}), 8411) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()

        def ask(path):
            connection = http.client.HTTPConnection(*server.server_address, timeout=10)
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer, answer.read()

        yield ask, server
        server.shutdown()
        thread.join()


def test_files_are_served_to_this_machine_isolated_and_with_a_policy(served):
    ask, server = served
    assert server.server_address[0] == "127.0.0.1"
    for path in ("/", "/index.html", "/index.html?x=1"):
        answer, body = ask(path)
        assert (answer.status, body) == (200, b"<p>hello")
        assert answer.headers["Content-Type"] == "text/html"
    assert ask("/data/a.bin")[1] == b"\x00\x01"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy and "unsafe-eval' " not in policy.replace("wasm-", "")


@pytest.mark.parametrize("path", ["/../README.md", "/%2e%2e/README.md", "//etc/passwd", "/none"])
def test_nothing_else_is_served(served, path):
    assert served[0](path)[0].status == 404


def test_what_cannot_be_made_says_why(served):
    answer, body = served[0]("/bad")
    assert (answer.status, body) == (503, b"the data are not there")


def test_the_next_free_port_is_taken(served):
    port = served[1].server_address[1]
    with playground.server(SITE, port) as second:
        assert second.server_address[1] > port


def test_without_a_build_one_line_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match="run `make playground`"):
        playground.site(tmp_path)


def test_the_page_is_written_for_a_web_host(tmp_path, monkeypatch, capsys):
    built = tmp_path / "built"
    (built / "assets").mkdir(parents=True)
    (built / "index.html").write_text("page")
    (built / "assets/a.js").write_text("script")
    monkeypatch.setattr(material, "pack_data", lambda name: name.encode())
    site = playground.site(built)
    monkeypatch.setattr(playground, "site", lambda: site)
    assert command.main(["--out", str(tmp_path / "out")]) == 0
    files = {
        p.relative_to(tmp_path / "out").as_posix(): p.read_text()
        for p in (tmp_path / "out").rglob("*.*")
    }
    names = ("fashion_mnist", "mnist")
    data = {f"data/{name}.safetensors": name for name in names}
    assert files == {"index.html": "page", "assets/a.js": "script"} | data
    assert "4 files" in capsys.readouterr().out


def test_ctrl_c_ends_the_server_at_once(tmp_path):
    script = (
        "import sys; from pathlib import Path; from experiments import command, playground as p; "
        "from gen_models import playground; site = playground.site(Path(sys.argv[1])); "
        "p.playground.site = lambda: site; sys.argv[1:] = sys.argv[2:]; command.run(p.main)"
    )
    (tmp_path / "index.html").write_text("page")
    args = [sys.executable, "-c", script, str(tmp_path), "--no-browser", "--port", str(free_port())]
    with subprocess.Popen(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as ran:
        assert "http://127.0.0.1:" in ran.stdout.readline()
        ran.send_signal(signal.SIGINT)
        _, err = ran.communicate(timeout=60)
        assert ran.returncode in (0, 130) and "Traceback" not in err


def test_a_data_file_that_several_pages_ask_for_is_made_once(tmp_path, monkeypatch):
    (tmp_path / "index.html").touch()
    packed_names = []

    def pack_data(name):
        packed_names.append(name)
        time.sleep(0.05)
        return name.encode()

    monkeypatch.setattr(material, "pack_data", pack_data)
    file = playground.site(tmp_path).files["data/mnist.safetensors"]
    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(lambda _: file(), range(4))) == {b"mnist"}
    assert packed_names == ["mnist"]
