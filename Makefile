# Every way to build, check and try the project. `make` lists the targets; `make PYTHON=python3.12 install` chooses
# the interpreter of the virtual environment.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
INSTALLED := $(VENV)/.installed

# torch's CPU threads spin while they wait, which starves everything else on a small machine.
export OMP_WAIT_POLICY := passive
export GOMP_SPINCOUNT := 0
export HF_HUB_DISABLE_TELEMETRY := 1

.PHONY: help install demo test check lint types contract format docs bench wheel lock clean
.DEFAULT_GOAL := help
# A half-made .venv (a Python without ensurepip) must not pass for a whole one the next time.
.DELETE_ON_ERROR:

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

install: $(INSTALLED)  ## create .venv from the lock files

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "pluralign needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.11 install" >&2; \
	  exit 1; }
	$(PYTHON) -m venv $(VENV)

# torch first and alone: whatever depends on it then takes the build that is there.
$(INSTALLED): $(BIN)/python requirements.lock embedded.lock pyproject.toml
	@echo "Installing into $(VENV); the first time takes some minutes (about 2 GB)."
	@$(PIP) install $(shell grep '^torch==' requirements.lock)
	@$(PIP) install -r requirements.lock
	@$(PIP) install --no-deps -r embedded.lock
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

demo: install  ## the main job: measure, tune, measure again
	@$(BIN)/pluralign quickstart --out runs/demo

# Two workers of one thread each: two torch processes of two threads fight for the cores.
test: install  ## the whole test suite, slow tests included
	@OMP_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(BIN)/python -m pytest -q -rs -m "" -n 2 --dist worksteal

check: lint types contract  ## everything that needs no test run

lint: install  ## ruff: rules and format
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: install  ## mypy, strict
	@$(BIN)/mypy

contract: install  ## import-linter: each floor imports only from floors below
	@$(BIN)/lint-imports

format: install  ## rewrite the sources as ruff wants them
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

docs: install  ## docs/cli.md, the table of docs/profiles.md, docs/policy.md; tests compare them
	@$(BIN)/typer pluralign.cli.app utils docs --name pluralign --title "The command line" --output docs/cli.md
	@$(BIN)/python scripts/profile_table.py
	@$(BIN)/python scripts/policy_page.py

# Exit status 2: what a benchmark compares with is not installed; it has said how to get it.
bench: install  ## the benchmarks, each of which prints its ratio
	@for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script || [ $$? -eq 2 ] || exit 1; done

wheel: install  ## build dist/*.whl
	@$(BIN)/python -m build --wheel --no-isolation

lock: install  ## write requirements.lock from what .venv holds
	@$(BIN)/python scripts/lock.py > requirements.lock.new
	@mv requirements.lock.new requirements.lock

clean:  ## remove caches and built files; .venv and runs stay
	@rm -rf dist build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -path ./$(VENV) -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +
