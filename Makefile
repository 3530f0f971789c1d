# The commands of everyday work. Each one makes what it needs; nothing but Python 3.11, make and Node is expected.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
PACKAGING := setup.cfg pyproject.toml
SCHEMAS := tests/schemas/node_modules/.package-lock.json
SCRIPTS := web/static/vendor/htmx.min.js
CONTROLPLANE ?= /var/tmp/congresslite-controlplane
# One more than there are cores: many tests wait for servers, brokers and clouds.
WORKERS ?= $(shell expr $$(nproc) + 1)

.PHONY: help run tiers test test-long controlplane bench check format clean
.DEFAULT_GOAL := help

help: ## what can be made
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 20

run: $(VENV)/.installed $(SCRIPTS) ## serve the example estate with the shipped policies, until Ctrl-C
	@exec $(BIN)/congresslite serve --example

tiers: $(VENV)/.installed ## engines in tiers: a carrier, two regions, four points of presence, on this machine
	@exec $(BIN)/congresslite demo $(ARGS)

test: $(VENV)/.installed-dev $(SCHEMAS) $(SCRIPTS) ## the tests that take seconds
	$(BIN)/pytest -q -n $(WORKERS) --dist loadgroup --durations 20 -m "not long"

test-long: $(VENV)/.installed-dev $(SCHEMAS) $(SCRIPTS) ## the tests that take minutes
	$(BIN)/pytest -q -n $(WORKERS) --dist loadgroup --durations 50 -m long

controlplane: ## start a real OpenStack and a real VNF manager for tests: Debian, root, seven minutes on a bare machine
	CONTROLPLANE_STATE=$(CONTROLPLANE) tests/controlplane/up.sh
	CONTROLPLANE_STATE=$(CONTROLPLANE) tests/controlplane/tacker.sh
	CONTROLPLANE_STATE=$(CONTROLPLANE) tests/controlplane/cinder.sh

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
	rm -rf $(VENV) build dist *.egg-info tests/schemas/node_modules web/node_modules web/static/vendor
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# Two stamps: whoever only runs congresslite does not wait for the tools of those who write it.
$(VENV)/.installed: $(PACKAGING) | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable ".[server,tiers]"
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

# What the console's pages run, from npm; nothing of it is committed.
$(SCRIPTS): web/package.json web/package-lock.json web/build.mjs
	npm ci --prefix web --ignore-scripts --no-audit --no-fund --loglevel=error
	npm run --prefix web --silent build
	@touch $@
