# Needs Python 3.11+ and make, nothing else: every target does its own set-up into .venv and the checkout.
# `make setup` is quick when nothing changed (a hash per locked list is compared).

PYTHON ?= python3
BIN := .venv/bin
KINOLOG := $(BIN)/kinolog
PYTEST := $(BIN)/python -m pytest
# Two workers on the one real stack that the first of them starts; a file's tests stay together.
PARALLEL ?= -n 2 --dist loadfile
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup setup-tests setup-bench run up down test check test-unit test-integration test-e2e test-judges \
        coverage bench chaos chaos-chat chaos-playback chaos-licences format lock clean

help: ## what can be made
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

setup: ## everything that runs and tests need, from hash-locked lists
	@$(PYTHON) deploy/local/bootstrap.py

# The other S3 server of the contract tests: built from Go modules, once per lock.
setup-tests: setup
	@$(BIN)/python -m deploy.local.versitygw

setup-bench: setup
	@$(PYTHON) deploy/local/bootstrap.py --bench

run: setup ## start the stack, upload a sample clip, print links, stay up (Ctrl-C stops all)
	@exec $(KINOLOG) run $(ARGS)

up: setup ## start the stack in the background; returns when ready (ARGS=--json)
	@$(KINOLOG) up $(ARGS)

down: ## stop the background stack
	@if [ -x $(KINOLOG) ]; then $(KINOLOG) down $(ARGS); else echo "Nothing is set up here, so nothing runs."; fi

check: setup ## linters, types, import rules, topology, schemas, generated files, locks
	@$(BIN)/python deploy/locks/relock.py --check
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check --quiet . || { echo "Run 'make format'."; exit 1; }
	@$(BIN)/mypy --no-error-summary -p schemas -p streams -p gateways -p deploy
	@$(BIN)/lint-imports --no-cache | tail -n 3
	@$(KINOLOG) check

test: check setup-tests ## everything but judges, benches and the long chaos run
	$(PYTEST) $(PARALLEL) -m "not judges" $(ARGS) tests

test-unit: setup ## tests without servers
	$(PYTEST) -n 2 $(ARGS) tests/unit

test-integration: setup-tests ## tests on the real stack
	$(PYTEST) $(PARALLEL) $(ARGS) tests/integration tests/contract

test-e2e: setup ## pages in a real browser
	$(PYTEST) $(ARGS) tests/e2e

test-judges: setup ## manifests and segments before independent validators (some from Debian packages)
	@$(BIN)/python -m tests.judges.install
	$(PYTEST) -m judges $(ARGS) tests

coverage: setup-tests ## line and branch coverage of the test run, as HTML in .coverage-html
	$(BIN)/coverage run -m pytest -m "not judges and not chaos" $(ARGS) tests
	$(BIN)/coverage combine --quiet || true
	$(BIN)/coverage html --quiet -d .coverage-html
	$(BIN)/coverage report --skip-covered --skip-empty

bench: setup-bench ## speed next to its peers; results also in bench/latest.json of KINOLOG_HOME
	$(BIN)/python -m tests.bench $(ARGS)

chaos: setup ## 50 blows of every kind against the exactness oracle (ARGS=--cluster on a Redis Cluster)
	$(BIN)/python -m tests.chaos --each 50 $(ARGS)

chaos-chat: setup ## 200 clients talk while everything under their room is killed, ten times each (ARGS="--each 50")
	$(BIN)/python -m tests.chaos.conversation $(ARGS)

chaos-playback: setup ## players report a million beats while everything under them is killed, three times each
	$(BIN)/python -m tests.chaos.playback $(ARGS)

chaos-licences: setup ## 2,000 licences are asked for while everything under them is killed, three times each
	$(BIN)/python -m tests.chaos.licences $(ARGS)

format: setup ## format all Python files and mend what linters can
	@$(BIN)/ruff check --fix --quiet .
	@$(BIN)/ruff format .

lock: setup ## write the locked lists anew from pyproject.toml (needs the network, and Maven for jars)
	@$(BIN)/python deploy/locks/relock.py $(ARGS)

clean: down ## remove the environment; the stack's state in .kinolog stays
	rm -rf .venv .venv-bench gateways/web/node_modules
