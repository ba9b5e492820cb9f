# `make help` lists what there is. Everything that a target needs it makes itself.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:

PYTHON ?= python3
CLUSTER ?= demo
CONTEXT ?=
BASE ?=
FORCE ?=
ONLY ?=
TORTURE ?=
SEEDS ?= 1000
FIRST ?= 1
STAMP := .venv/.installed
PIP := -m pip --disable-pip-version-check --quiet
PYTEST := .venv/bin/python -m pytest
UV := .cache/uv/bin/uv
LOCK := $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11 \
	--no-header --no-annotate pyproject.toml

export FORCE

##@ Try it
run: venv ## A cluster, the operator, examples/01-hello, and what comes out (CONTEXT=… uses your cluster)
	@.venv/bin/python -m localcluster tour --name "$(CLUSTER)" --context "$(CONTEXT)"

down: ## Stop what `make run` started
	@$(PYTHON) -m localcluster down --name "$(CLUSTER)" --context "$(CONTEXT)"

##@ Develop
venv: $(STAMP) ## The Python environment, from hash-pinned files

$(STAMP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) is older than Python 3.11; PYTHON=python3.12 make … names another" >&2; exit 1; }
	@echo "making .venv"
	@$(PYTHON) -m venv .venv \
		|| { rm -rf .venv; echo "Python's venv module is incomplete (Debian: apt-get install python3-venv)" >&2; exit 1; }
	@.venv/bin/python $(PIP) install --require-hashes -r requirements/dev.txt
	@.venv/bin/python $(PIP) install --no-deps --no-build-isolation -e .
	@touch $(STAMP)

binaries: ## Build Kubernetes, its node and Helm from pinned Go modules, once (minutes)
	@$(PYTHON) -m localcluster build

image: venv ## The operator's image: by docker or podman (BASE=… is built upon), else from Debian's packages
	@.venv/bin/python -m localcluster image --base "$(BASE)"

generate: venv ## Write the generated files: crds/, the chart's, docs/reference/, the README's quotes
	@.venv/bin/python -m launchplan_operator crds --write crds
	@.venv/bin/python -m docs.generate

tour-text: venv binaries ## Write docs/generated/tour.txt, which the README quotes, from a real tour
	@UPDATE=1 $(PYTEST) tests/node/test_tour.py -k first_tour
	@.venv/bin/python -m docs.generate

format: venv ## Format the sources
	@.venv/bin/ruff format . && .venv/bin/ruff check --fix .

lock: ## Pin the dependencies anew in requirements/
	@test -x $(UV) || { $(PYTHON) -m venv .cache/uv && .cache/uv/bin/python $(PIP) install uv; }
	@$(LOCK) --upgrade -o requirements/runtime.txt
	@$(LOCK) --upgrade --group dev -o requirements/dev.txt

##@ Test
test: check unit reconcile search kopf chart cluster node ## Every level

check: venv ## Format, lint, types, layers, generated files
	@.venv/bin/ruff format --check .
	@.venv/bin/ruff check .
	@.venv/bin/mypy
	@.venv/bin/lint-imports
	@$(PYTEST) -q tests/unit/test_crd.py tests/unit/test_docs.py

unit: venv ## Pure decisions and manifests (seconds)
	@$(PYTEST) tests/unit

reconcile: venv ## The reconcilers over an in-memory API server (seconds)
	@$(PYTEST) tests/reconcile

search: venv ## The simulation: seeds, and each mutation by its recorded seed (minutes)
	@$(PYTEST) tests/sim

sim: venv ## Deterministic simulation: SEEDS=10000 FIRST=1 (hundreds of seeds a minute)
	@.venv/bin/python -m tests.sim --seeds $(SEEDS) --first $(FIRST)

kopf: venv ## The real kopf against a fake server (seconds)
	@$(PYTEST) tests/kopf

chart: venv binaries ## What the Helm chart renders, and which values it refuses (seconds)
	@$(PYTEST) tests/chart

cluster: venv binaries ## A real control plane, pods finished by a stub (minutes)
	@$(PYTEST) tests/cluster

node: venv binaries ## A real node with containers: Linux, root (minutes)
	@$(PYTEST) tests/node

torture: venv binaries ## Two operators while all around them breaks: twenty passes (hours), see build/torture
	@.venv/bin/python -m tests.cluster.torture --passes 20 $(TORTURE)

bench: venv binaries ## The operator against the raw floor, in one run (an hour; ONLY="admission flow" for parts)
	@.venv/bin/python -m bench $(if $(ONLY),--only $(ONLY))

##@ Help
help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run down venv binaries image generate tour-text format lock test check unit reconcile search sim kopf chart cluster node torture bench help
