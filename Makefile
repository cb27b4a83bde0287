# `make run` is all a new owner needs; `make test` is all a contributor needs.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
RUN := $(BIN)/python manage.py

.DEFAULT_GOAL := help
.PHONY: help install install-dev tools run test test-fast lint format bench bench-full chaos screenshot requirements

help: ## Lists these commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

.venv/installed: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "ChatKit needs Python 3.11 or newer; try: make run PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

install: .venv/installed ## Virtual environment with the pinned packages
install-dev: .venv/installed-dev

run: install ## The server, on http://127.0.0.1:8000
	$(RUN) serve

tools: install-dev
	@bash tests/install_tools.sh

test: tools ## Everything that CI runs: both databases, real servers, a real browser
	CHATKIT_TEST_DATABASE=postgresql $(BIN)/pytest -n auto --dist worksteal -q -m database
	$(BIN)/pytest -n auto --dist worksteal -q

test-fast: install-dev ## What needs neither PostgreSQL, Redis nor Chromium
	$(BIN)/pytest -n auto --dist worksteal -q -m "not browser" --no-services

lint: install-dev ## Style, types, import rules, and whether the settings are documented
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(RUN) makemigrations --check --dry-run
	$(BIN)/python tests/documentation.py
	@bash tests/javascript/check_types.sh

format: install-dev ## Rewrites the code in the house style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: tools ## The performance table, measured on this machine
	$(BIN)/python -m tests.bench

bench-full: tools ## The same with what is slow: a second process, a million stored messages, a year of reports
	$(BIN)/python -m tests.bench --full

chaos: tools ## Kills the server ten times and cuts ten thousand connections; some twenty minutes
	CHATKIT_CHAOS=full $(BIN)/pytest -n auto -q tests/chaos

screenshot: tools ## Takes README's pictures of the widget anew
	CHATKIT_SCREENSHOT=1 $(BIN)/pytest -q tests/browser/test_screenshot.py

requirements: install-dev ## Pins what pyproject.toml asks for
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --no-header -o requirements.txt pyproject.toml
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --no-header -c requirements.txt --group dev -o requirements-dev.txt pyproject.toml
