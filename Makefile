# whyfeel. `make help` lists what can be made.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# a worker more than there are cores, since many tests wait for servers; never more than four, since they start processes
WORKERS ?= $(shell n=$$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2); [ $$n -gt 3 ] && echo 4 || echo $$((n + 1)))

.DEFAULT_GOAL := help
.PHONY: help demo test check bench bench-gpu tiny format docs clean

help:  ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/installed  ## Run every baseline on the bundled scenes and print the table (no key, no GPU, no data)
	@$(BIN)/whyfeel demo

test: $(VENV)/installed-dev  ## Run every test
	$(BIN)/python -m pytest -n $(WORKERS)

check: $(VENV)/installed-dev  ## Lint, types, import rules, licences, and docs that drift
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python scripts/check_licences.py
	$(BIN)/python scripts/check_docs.py

format: $(VENV)/installed-dev  ## Format the code
	$(BIN)/ruff check --fix-only -q .
	$(BIN)/ruff format .

docs: $(VENV)/installed-dev  ## Write the generated parts of the docs anew
	$(BIN)/python scripts/check_docs.py --write

bench: $(VENV)/installed-dev  ## Measure speed and memory against a mock server; writes docs/performance.md
	$(BIN)/python bench/bench.py

bench-gpu: $(VENV)/installed-dev  ## Tokens a second of a model in this process, on a GPU
	$(BIN)/python bench/gpu.py

tiny: $(VENV)/installed-dev  ## Train a tiny model from scratch on drawn scenes, and show that it looks (8 minutes)
	$(BIN)/python scripts/tiny.py

clean:  ## Remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .bench

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/installed: $(VENV)/bin/python pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@# an oracle of the tests, which asks for a numpy of two years ago and works with ours
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps irrCAC==0.4.4
	@touch $@ $(VENV)/installed
