# Two commands are all a newcomer needs: `make demo` and `make test`.
# Both install what they need into .venv, once.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
# Node comes as a Python package; only the type check of the front end needs it.
NODE := PATH="$(abspath $(BIN)):$$PATH"
TEST_WORKERS ?= 2
# A thread a worker: two workers with two threads each get in one another's way. Each takes half of
# the files and later steals from the other, so that what a file's tests share is seldom made twice.
PYTEST = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(TEST_WORKERS) --dist worksteal -rs

.PHONY: demo test coverage check format docs clean help

help:  ## List the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(VENV)/.installed-train  ## Run the whole loop on the generated store
	$(BIN)/productnet demo demo-shop

test: $(VENV)/.installed-dev check  ## Run every check and test
	$(PYTEST)

coverage: $(VENV)/.installed-dev  ## Run every test, and list the lines that none reaches; slower
	$(PYTEST) --cov --cov-report=term-missing:skip-covered

check: $(VENV)/.installed-dev node_modules/.installed  ## Style, types and import floors
	$(BIN)/ruff format --check src tests benchmarks scripts
	$(BIN)/ruff check src tests benchmarks scripts
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(NODE) npm run --silent check

format: $(VENV)/.installed-dev  ## Format the code and fix what can be fixed
	$(BIN)/ruff check --fix src tests benchmarks scripts
	$(BIN)/ruff format src tests benchmarks scripts

docs: $(VENV)/.installed-train  ## Write the reference pages that are made from the code
	$(BIN)/python -m productnet.cli.reference docs

clean:  ## Remove what make made
	rm -rf $(VENV) node_modules demo-shop .coverage* .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

# A stamp is newer than what it was installed from, so a second run installs nothing.
$(VENV)/.installed-train: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo "Installing ProductNet into $(VENV) (once; a few minutes)"
	$(PIP) -e '.[train]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/.installed-train
	@echo "Installing the test tools into $(VENV) (once)"
	$(PIP) -e '.[train,postgres,dev]'
	@touch $@

node_modules/.installed: package.json package-lock.json | $(VENV)/.installed-dev
	$(NODE) npm ci --no-audit --no-fund --silent
	@touch $@
