# The verbs of the project. Each one sets up what it needs first, so that `make demo` works on a fresh clone.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ARGS ?=

.PHONY: help install demo test check format bench torture lock clean
help:  ## list the verbs
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

$(STAMP): pyproject.toml requirements/runtime.txt requirements/dev.txt requirements/data.txt
	@command -v $(PYTHON) >/dev/null || { echo "hintsync needs Python 3.11 (PYTHON=... names another interpreter)"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/runtime.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements/data.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

install: $(STAMP)  ## make the virtual environment and install everything into it

demo: $(STAMP)  ## the main job on the emulators; ARGS="--once" ends after the figures
	$(BIN)/hintsync demo $(ARGS)

test: $(STAMP)  ## all tests that CI runs; ARGS selects
	$(BIN)/python -m pytest $(ARGS)

check: $(STAMP)  ## static checks: ruff, mypy --strict, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(STAMP)  ## rewrite the code in the house style
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)  ## all benchmarks, each beside its floor and its peer
	$(BIN)/python -m bench $(ARGS)

torture: $(STAMP)  ## the long crash and property runs; prints the figures of docs/guarantees.md
	$(BIN)/python -m pytest -m torture -p no:randomly --timeout=0 $(ARGS)

lock: $(STAMP)  ## pin requirements/*.txt anew (needs uv)
	uv pip compile -q --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-annotate --no-header pyproject.toml -o requirements/runtime.txt
	uv pip compile -q --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-annotate --no-header requirements/dev.in -c requirements/runtime.txt -o requirements/dev.txt
	uv pip compile -q --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-annotate --no-header --no-deps requirements/data.in -o requirements/data.txt

clean:  ## remove what the verbs made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .demo
