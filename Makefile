# `make train` and `make test` do all the set-up that they need; `make setup` does only that.
#
# With JAX=0.11.2 each works with that version instead of the pinned one, in an environment of its
# own. JAX may then need a newer Python: `make test JAX=0.11.2 PYTHON=python3.12`.

PYTHON ?= python3
VENV := .venv$(addprefix -jax-,$(JAX))
BIN := $(VENV)/bin
# One thread per library: parallel tests would otherwise wait for each other's threads.
PYTEST := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest
PINS := $(if $(JAX),s/^(jax|jaxlib)==[^ ]+/\1==$(JAX)/)

.PHONY: setup train test stress notebooks benchmark accelerator playground clean

setup: $(VENV)/installed

train: $(VENV)/installed
	$(BIN)/python -m experiments.train --model cgan --steps 5000

test: $(VENV)/tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(PYTEST) --numprocesses auto --maxprocesses 8 --dist loadfile

# The slow tests, then the long forms of the reliability tests: 10,000 mutated IDX files, a fifth as
# many of each other kind, 25 kills. Their figures go to results/reliability.md.
stress: $(VENV)/tools
	$(PYTEST) -m slow
	GEN_MODELS_FUZZ=10000 GEN_MODELS_KILLS=25 $(PYTEST) \
		tests/data/test_idx_fuzz.py tests/data/test_images_fuzz.py \
		tests/runs/test_checkpoint.py tests/runs/test_recipe.py tests/stress

# The notebooks in examples/, executed and written back with their outputs.
notebooks: $(VENV)/tools
	PYTHONPATH="$(CURDIR)" $(BIN)/python examples/execute.py

benchmark: $(VENV)/installed
	$(BIN)/python -m experiments.benchmark

# Measures whether a GPU or TPU computes what a CPU does, and how fast, into results/accelerator/.
# Takes at most eight minutes, in which nothing else may use it. On a CPU, a short form only shows
# that every part runs.
accelerator: $(VENV)/installed
	$(BIN)/python -m experiments.accelerator

# Builds the page in which GANs train, from its lock file, after a type check and unit tests, into
# playground/dist, which `python -m experiments.playground` serves. Needs npm and no Python.
playground:
	@command -v npm > /dev/null || { echo "the playground is built by npm, which comes with Node.js 20 or newer"; exit 1; }
	cd playground && npm ci --no-audit --no-fund && npm run check && npm test && npm run build

$(VENV)/requirements.txt: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	sed -E '$(PINS)' $< > $@

$(VENV)/installed: $(VENV)/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $<
	touch $@

$(VENV)/tools: $(VENV)/installed requirements-dev.txt
	cp requirements-dev.txt $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $(VENV)/requirements-dev.txt
	touch $@

clean:
	rm -rf .venv .venv-jax-* .pytest_cache .ruff_cache .hypothesis
