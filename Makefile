# The commands of everyday work. Each one makes what it needs; nothing but Python 3.11, make and Node is expected.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PACKAGING := setup.cfg pyproject.toml
SCHEMAS := tests/schemas/node_modules/.package-lock.json

.PHONY: help run test test-long bench check format clean
.DEFAULT_GOAL := help

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

run: $(VENV)/.installed ## check the shipped policies against the example estate
	@$(BIN)/congresslite check --example --exit-zero

test: $(VENV)/.installed-dev $(SCHEMAS) ## the tests that take seconds
	$(BIN)/pytest -q -n auto -m "not long"

test-long: $(VENV)/.installed-dev $(SCHEMAS) ## the tests that take minutes
	$(BIN)/pytest -q -n auto -m long

bench: $(VENV)/.installed-dev ## measure beside the peers that are installed, some minutes; ARGS=--help tells more
	$(BIN)/congresslite bench $(ARGS)

check: $(VENV)/.installed-dev ## format, lint, types, layers, and the examples in the documentation
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/test_docs.py

format: $(VENV)/.installed-dev ## format the code and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove what the other commands made
	rm -rf $(VENV) build dist *.egg-info tests/schemas/node_modules
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# Two stamps: whoever only runs congresslite does not wait for the tools of those who write it.
$(VENV)/.installed: $(PACKAGING) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@$(BIN)/python -m compileall -q congresslite # or else each start would, where Python may not write bytecode
	@touch $@

$(VENV)/.installed-dev: $(PACKAGING) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[dev]"
	@$(BIN)/python -m compileall -q congresslite
	@touch $@ $(VENV)/.installed

# The published SARIF and JUnit schemas, which the tests hold the output formats against.
$(SCHEMAS): tests/schemas/package.json tests/schemas/package-lock.json
	npm ci --prefix tests/schemas --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@
