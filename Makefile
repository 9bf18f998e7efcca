# Two commands are enough to begin: `make run` and `make test`. Each sets itself up first; the second call costs nothing.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup run test lint format bench soak demo lock clean

PY := .venv/bin/python
CONFIG ?= config/community.yaml
WORKERS ?= 2
ARGS ?=

help: ## Show the commands
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /\1|/' | while IFS='|' read -r name text; do printf '  make %-8s %s\n' "$$name" "$$text"; done

setup: ## Build the virtual environment (.venv) from the locked requirements
	@tools/setup.sh

run: setup ## Run the community of config/community.yaml on its own homeserver, under var/
	@exec .venv/bin/esnbot run --config $(CONFIG) $(ARGS)

test: setup ## Run all tests: real homeserver, SQLite and PostgreSQL, seeded samples
	@exec $(PY) -m pytest -n $(WORKERS) --dist worksteal tests $(ARGS)

lint: setup ## Check style, types and the arrows between packages
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

format: setup ## Put the code into the project's style
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

bench: setup ## Measure speed and size, with others beside in the same run
	@exec $(PY) -m benchmarks $(ARGS)

soak: setup ## Run the tests at their full counts (hours)
	@ESNBOT_SOAK=1 exec $(PY) -m pytest -n $(WORKERS) --timeout=7200 tests $(ARGS)

demo: setup ## See a week of a community's life in two minutes
	@exec .venv/bin/esnbot demo $(ARGS)

lock: setup ## Write the lock files anew from pyproject.toml
	@tools/lock.sh

clean: ## Remove the virtual environment and caches (what your community made under var/ stays)
	rm -rf .venv .setup.lock build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache ./*.egg-info
