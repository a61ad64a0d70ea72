# Two commands for a fresh machine: `make demo` and `make test`. `make` alone lists the others.

ARGS ?=
PYTHON ?= python3
VENV := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help install demo test check bench servers servers-stop lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' Makefile

install: ## Make or refresh the environment in .venv/
	@PYTHON='$(PYTHON)' sh scripts/install.sh

demo: install ## Talk to the bot in this terminal (ARGS=--script: one conversation, printed)
	@$(VENV)/kartina demo $(ARGS)

test: install ## Run the whole suite on private servers (ARGS: for pytest)
	@$(VENV)/python -m pytest $(ARGS)

check: install ## Lint, types, import rules and SQL; needs no servers
	@$(VENV)/ruff check .
	@$(VENV)/ruff format --check .
	@$(VENV)/mypy
	@$(VENV)/lint-imports
	@$(VENV)/python -m pytest -q tests/tidy/test_sql_parses.py tests/tidy/test_sql_text.py

bench: install ## Measure; prints a table, writes JSON and plots
	@$(VENV)/python -m tests.bench $(ARGS)

servers: install ## Start private PostgreSQL and RabbitMQ, print their addresses, leave them running
	@$(VENV)/python -m service.local.servers start

servers-stop: install ## Stop what `make servers` started; its data stays
	@$(VENV)/python -m service.local.servers stop

lock: ## Resolve the dependencies of pyproject.toml again into requirements.lock
	@PYTHON='$(PYTHON)' sh scripts/lock.sh

clean: ## Stop the private servers; delete their data, the environment and all caches
	@if [ -x $(VENV)/python ]; then $(VENV)/python -m service.local.servers erase; fi
	@rm -rf .venv .run .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
