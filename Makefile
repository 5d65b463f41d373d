# Every target sets itself up: the virtual environment is .venv inside the checkout.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help test lint types layers check demo e2e collector frameworks lowest bench tables nightly clean

help: ## Show these targets
	@sed -n 's/^\([a-z0-9]*\):.*## \(.*\)/  \1\t\2/p' $(MAKEFILE_LIST) | expand -t 14

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; name it: make PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --editable '.[processor,demo]' --group dev
	@touch $@

test: $(READY) ## Run the tests, doctests included
	$(BIN)/python -m pytest

lint: $(READY) ## Check style
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY) ## Check types
	$(BIN)/mypy

layers: $(READY) ## Check the layers
	$(BIN)/lint-imports

check: lint types layers test ## All of the above

demo: $(READY) ## Watch a model drift, be caught and recover; ONCE=1 for an unattended run
	@$(BIN)/python examples/demo $(if $(ONCE),--once)

collector: ## Build a stock Collector with the official builder
	@collector-config/build.sh

e2e: $(READY) ## Run against a real Collector and a real Prometheus
	tests/e2e/neighbours.sh
	OTELML_COLLECTOR=$$(collector-config/build.sh) $(BIN)/python -m pytest tests/e2e

frameworks: $(READY) ## Run every framework's tests, each group in an environment of its own
	$(BIN)/python -m tests.hooks.frameworks $(GROUPS)

lowest: $(READY) ## Run the tests on the lowest dependencies that pyproject.toml allows
	$(BIN)/python -m pip install --quiet uv
	rm -rf .venvs/lowest && $(PYTHON) -m venv .venvs/lowest
	UV_SYSTEM_CERTS=1 $(BIN)/uv pip install --quiet --python .venvs/lowest/bin/python --resolution lowest-direct \
	  --editable '.[processor,demo,system]' --group test
	.venvs/lowest/bin/python -m pytest -q -o filterwarnings=default --disable-warnings \
	  tests/sketch tests/wire tests/recording tests/store tests/processor tests/cli tests/hooks

bench: $(READY) ## Measure what README says
	$(BIN)/python benchmarks

tables: $(READY) ## Write README's tables anew
	$(BIN)/python -m tests.tables

nightly: $(READY) ## The frameworks' own checks and tests, with and without the hooks
	$(BIN)/python tests/hooks/estimator_checks.py
	$(BIN)/python -m tests.hooks.own_suites

clean: ## Remove the virtual environment and what tools left
	rm -rf $(VENV) .venvs .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
