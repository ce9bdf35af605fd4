# The verbs of the project. Each one sets up what it needs first, so that `make demo` works on a fresh clone.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# What releases are looked over with lives apart: none of it is needed to build, test or run.
TOOLS := .cache/tools
RELEASE := .cache/release
ARGS ?=

.PHONY: help install demo test check licences audit sbom format bench torture lock clean
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

licences: $(STAMP)  ## every dependency has a licence that pyproject.toml allows
	$(BIN)/python .ci/licences.py requirements/runtime.txt requirements/dev.txt requirements/data.txt requirements/build.txt

$(TOOLS)/.installed: requirements/tools.txt
	$(PYTHON) -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/tools.txt
	@touch $@

audit: licences $(TOOLS)/.installed  ## licences, and known vulnerabilities of what is pinned (asks a public list of advisories)
	$(TOOLS)/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off -r requirements/runtime.txt $(ARGS)
	$(TOOLS)/bin/pip-audit --strict --disable-pip --require-hashes --progress-spinner off -r requirements/dev.txt $(ARGS)

sbom: $(STAMP) $(TOOLS)/.installed  ## the wheel, and the list of all that runs with it (CycloneDX), in dist/
	rm -rf $(RELEASE) dist
	$(BIN)/python -m hatchling build -t wheel -t sdist -d dist
	$(PYTHON) -m venv $(RELEASE)
	$(RELEASE)/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/runtime.txt
	$(RELEASE)/bin/pip install --quiet --disable-pip-version-check --no-deps --no-index dist/*.whl
	$(RELEASE)/bin/pip uninstall --quiet --disable-pip-version-check --yes setuptools pip
	$(TOOLS)/bin/cyclonedx-py environment --pyproject pyproject.toml --mc-type application --output-reproducible \
		--of JSON -o dist/hintsync.cdx.json $(RELEASE)/bin/python

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
	uv pip compile -q --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-annotate --no-header requirements/build.in -c requirements/dev.txt -o requirements/build.txt
	uv pip compile -q --python-version 3.11 --universal --generate-hashes --no-emit-index-url --no-annotate --no-header requirements/tools.in -c requirements/dev.txt -o requirements/tools.txt

clean:  ## remove what the verbs made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .demo
