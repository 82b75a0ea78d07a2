# Two commands do all the set-up: `make demo` and `make test`. They need Python 3.10 to 3.12 and make.
# PYTHON chooses the interpreter: make demo PYTHON=python3.12
PYTHON ?= $(shell for p in python3.12 python3.11 python3.10 python3; do command -v $$p >/dev/null 2>&1 && $$p -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test test-slow check bench towns clean

demo: $(VENV)/.demo
	$(BIN)/symdrive demo

# Two files of tests at a time: most of a test runs on one core.
test: $(VENV)/.dev
	$(BIN)/pytest -n 2 --dist loadfile

# Tests that take longer than a minute each (long drives, memory, training to the end).
test-slow: $(VENV)/.dev
	$(BIN)/pytest -m slow

# Format, lint, types and floors; no test runs.
check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports

bench: $(VENV)/.demo
	$(BIN)/symdrive bench sim

# Draws the two towns of our own, their routes, and bakes them again; the results are committed.
towns: $(VENV)/.dev
	$(BIN)/python tools/draw_towns.py
	$(BIN)/python tools/bake_towns.py
	$(BIN)/python tools/draw_routes.py

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "symdrive needs Python 3.10, 3.11 or 3.12; none was found. Set PYTHON=/path/to/python."; exit 2; }
	$(PYTHON) -m venv $(VENV)

# The CPU build of torch is enough for the demo; torch goes first, so that torchvision and
# lightning find it and fetch no other.
$(VENV)/.torch: constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install -q --upgrade pip
	$(BIN)/python -m pip install -q -c constraints.txt torch
	@touch $@

$(VENV)/.demo: pyproject.toml constraints.txt $(VENV)/.torch
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[all]'
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt $(VENV)/.torch
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]'
	@touch $@ $(VENV)/.demo

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache
