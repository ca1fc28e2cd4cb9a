# One command a task; each does its own set-up in .venv.
.DEFAULT_GOAL := help
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= python3
STAMP := $(VENV)/.installed
PYTEST := $(BIN)/python -m pytest

.PHONY: help install demo bank-demo test lint format generate bench nightly clean

help: ## Show what there is
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]' -c constraints.txt
	@touch $(STAMP)

install: $(STAMP) ## Put the server, the client and the tools into .venv

demo: $(STAMP) ## Start a ledger on an embedded database and see it work
	@$(BIN)/python -m ledger_client.demo

bank-demo: $(STAMP) ## Start a bank on a ledger and see a day of it
	@$(BIN)/python -m ledger_client.demo.bank

test: $(STAMP) ## Run everything that can be tested on one machine
	$(PYTEST) -n 2 --dist loadfile --no-loadscope-reorder -m "not nightly"

lint: $(STAMP) ## Style, types, structure, contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m dev.generate --check
	$(BIN)/python -m dev.generate_events --check
	$(BIN)/python -m dev.generate_bank_events --check

format: $(STAMP) ## Rewrite the code in its one form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

generate: $(STAMP) ## Write the Python of the contract anew
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python -m dev.generate
	$(BIN)/python -m dev.generate_events
	$(BIN)/python -m dev.generate_bank_events

bench: $(STAMP) ## Measure, as ratios to hand-written SQL (QUICK=1 for less)
	$(BIN)/python -m benchmarks

nightly: $(STAMP) ## The long campaigns
	$(PYTEST) -n 2 -m nightly --timeout 7200

clean: ## Remove what the other commands made
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
