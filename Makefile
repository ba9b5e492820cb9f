# `make help` lists what there is. Everything that a target needs it makes itself.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
CLUSTER ?= demo
CONTEXT ?=
FORCE ?=
STAMP := .venv/.installed
PYTEST := .venv/bin/python -m pytest

export FORCE

##@ Try it
run: venv ## Start a cluster and the operator, run examples/01-hello, show what comes out
	@.venv/bin/python -m localcluster tour --name "$(CLUSTER)" --context "$(CONTEXT)"

down: ## Stop what `make run` started
	@$(PYTHON) -m localcluster down --name "$(CLUSTER)"

##@ Develop
venv: $(STAMP) ## The Python environment, from hash-pinned files

$(STAMP): requirements/dev.txt pyproject.toml
	@echo "making .venv"
	@$(PYTHON) -m venv .venv
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

binaries: ## Build Kubernetes and its node from pinned Go modules, once (minutes)
	@$(PYTHON) -m localcluster build

generate: venv ## Write the generated files: crds/
	@.venv/bin/python -m launchplan_operator crds --write crds

format: venv ## Format the sources
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .

##@ Test
test: check unit reconcile kopf cluster node ## Every level

check: venv ## Lint, types, layers, generated files
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@.venv/bin/python -m pytest -q tests/unit/test_crd.py

unit: venv ## Pure decisions and manifests
	@$(PYTEST) tests/unit

reconcile: venv ## The reconcilers over an in-memory API server
	@$(PYTEST) tests/reconcile

kopf: venv ## The real kopf against a fake server
	@$(PYTEST) tests/kopf

cluster: venv binaries ## A real control plane, pods finished by a stub
	@$(PYTEST) tests/cluster

node: venv binaries ## A real node with containers
	@$(PYTEST) tests/node

bench: venv binaries ## The operator against the raw floor, in one run
	@.venv/bin/python -m bench

##@ Help
help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run down venv binaries generate format test check unit reconcile kopf cluster node bench help
