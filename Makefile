.DEFAULT_GOAL := help
.PHONY: help run demo test lint bench proof lock clean

PYTHON ?= python3
# As in the name of its executable: for another version the environment is made anew.
VERSION := $(or $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2> /dev/null),-unknown)
BIN := .venv/bin
# What `make bench` compares the pool with besides; without npm it says that it does not.
PRISM := $(if $(shell command -v npm),build/prism/installed)
# A client that `make test` generates from the published contract; without npm it is skipped.
CLIENTS := $(if $(shell command -v npm),build/clients/installed)

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-6s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/run  ## serve the pool on CCP_HOST:CCP_PORT until Ctrl-C
	$(BIN)/gunicorn wsgi:app

demo: .venv/run  ## play the story of a contract against a strict pool
	$(BIN)/ccp workshop demo

test: .venv/dev $(CLIENTS)  ## run the whole test suite
	$(BIN)/pytest

lint: .venv/dev  ## check style, formatting and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: .venv/dev $(PRISM)  ## measure speed, size and memory against the alternatives (minutes)
	@command -v wrk > /dev/null || { apt-get update && apt-get install --yes wrk; } > /dev/null \
		|| { echo "make bench needs wrk, and cannot install it: do that first."; exit 1; }
	$(BIN)/python -m tests.bench

proof: .venv/dev  ## prove at length what the README says can be relied on (hours)
	$(BIN)/python -m tests.proof

lock: .venv/dev  ## resolve the dependencies of setup.cfg anew into both lock files
	$(BIN)/uv pip compile $(LOCK) -o requirements.lock
	$(BIN)/uv pip compile $(LOCK) --extra dev -c requirements.lock -o requirements-dev.lock

clean:  ## remove everything that was made here, except databases
	rm -rf .venv .hypothesis .mypy_cache .pytest_cache .ruff_cache .schemathesis build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

build/clients/installed: tests/contract/clients/package.json tests/contract/clients/package-lock.json
	mkdir -p $(@D)
	cp $^ $(@D)
	npm ci --prefix $(@D) --ignore-scripts --no-audit --no-fund && touch $@ \
		|| echo "npm could not install openapi-fetch: the test of its client is skipped."

build/prism/installed: tests/bench/prism/package.json tests/bench/prism/package-lock.json
	mkdir -p $(@D)
	cp $^ $(@D)
	npm ci --prefix $(@D) --omit=optional --ignore-scripts --no-audit --no-fund
	touch $@

LOCK = setup.cfg --extra build --universal --python-version 3.11 --generate-hashes --upgrade --quiet \
	--no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock"
# Not --quiet: the first time takes minutes, and pip shows how far it is.
INSTALL = $(BIN)/python -m pip install --disable-pip-version-check --no-deps

# A lock names every package, so pip has nothing to resolve: --no-deps.
.venv/bin/python$(VERSION):
	@$(PYTHON) -c 'import sys; v = sys.version_info[:3]; \
		sys.exit(v < (3, 11) and "The pool needs Python 3.11 or later; this is %d.%d.%d." % v)'
	@echo "Installing into .venv, once: this takes a minute or more."
	$(PYTHON) -m venv --clear .venv

.venv/run: .venv/bin/python$(VERSION) requirements.lock setup.cfg pyproject.toml
	$(INSTALL) --require-hashes -r requirements.lock
	PYTHONWARNINGS=ignore $(INSTALL) --no-build-isolation --editable .
	touch $@

.venv/dev: requirements-dev.lock .venv/run
	$(INSTALL) --require-hashes -r requirements-dev.lock
	touch $@
