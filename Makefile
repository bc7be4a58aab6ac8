# Vently. `make run` and `make test` are all a newcomer needs; both prepare .venv first.

PYTHON ?= python3
PORT ?= 8000
DATA ?= data
BIN := .venv/bin

.PHONY: run test setup lint fmt bench lock
.DEFAULT_GOAL := run

run: setup
	@exec $(BIN)/vently up --demo --data "$(DATA)" --port $(PORT)

test: setup
	@$(BIN)/pytest --numprocesses auto --dist worksteal

setup: .venv/ready

.venv/ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Vently needs Python 3.11 or newer: make PYTHON=python3.11")'
	@$(PYTHON) -m venv .venv || { echo "Python has no venv: on Debian and Ubuntu, apt-get install python3-venv" >&2; exit 1; }
	@echo "Fetching packages (once)…"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q vently
	@touch $@

lint: setup
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports

fmt: setup
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: setup
	@$(BIN)/python -m bench

# After a change of the dependencies in pyproject.toml. Needs uv: pip install uv
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
	  --group dev --output-file requirements.lock pyproject.toml
