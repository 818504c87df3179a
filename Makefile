# Every target sets up what it needs first; `make setup` does nothing the second time.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin
DATA ?=
BOARD ?= mps2-an386

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## .venv from the lock, and the system packages where missing
	@scripts/setup.sh

setup-tests: ## setup, and what only the tests need: compilers and emulator for RISC-V, g++, clang
	@scripts/setup.sh tests

demo: setup ## train, compile, build, flash and prove a keyword spotter (DATA=folder: recorded speech)
	@scripts/demo.sh "$(BOARD)" "$(DATA)"

test: setup-tests ## the tests, but the slow ones
	$(BIN)/pytest -q -n 2 --dist loadfile -m "not slow and not hardware"

test-slow: setup-tests ## the slow tests: training, the wheel in a clean environment
	$(BIN)/pytest -q -m "slow and not hardware"

lint: setup ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: setup-tests ## measure models on the emulated boards, next to the peers' published figures
	$(BIN)/python scripts/bench.py

examples: setup ## run the example projects and renew their reports
	@scripts/examples.sh

wheel: setup ## dist/tinykit-*.whl
	$(BIN)/python -m hatchling build -t wheel

# all but `quality`: pesq must be compiled
LOCKED_EXTRAS := $(addprefix --extra ,train synth rooms record dev)

lock: ## resolve pyproject.toml into requirements.lock (needs uv: pip install uv)
	uv pip compile pyproject.toml $(LOCKED_EXTRAS) --generate-hashes --universal --python-version 3.11 \
	    --no-emit-index-url --no-header --no-annotate -q -o requirements.lock

clean: ## remove what the targets made, but not .venv
	rm -rf build dist demo .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis

.PHONY: help setup setup-tests demo examples test test-slow lint bench wheel lock clean
