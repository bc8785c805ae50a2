# The commands of a checkout. Each one installs and builds what it needs; the work is in scripts/ and tests/run.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
.PHONY: help demo demo-annotation demo-queue test install bench psql stop fmt lint

# make install: the server to install into.  make demo: FULL=1 takes all packages.  make bench: PEERS=1 measures other queues too.
# make bench, make test: ARGS=...
# make demo-annotation: ARGS='--swc DIR' takes skeletons of your own, ARGS=--help lists what else can be set.
# make demo-queue: ARGS='--path DIR' takes files of your own, ARGS=--help lists what else can be set.
PG_CONFIG ?=
FULL ?=
PEERS ?=
ARGS ?=
neurons := $(if $(filter --swc% --help,$(ARGS)),,--neurons)
full := $(if $(filter-out 0,$(FULL)),--full)
peers := $(if $(filter-out 0,$(PEERS)),--peers)

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-15s %s\n", $$1, $$2 }' Makefile

demo: ## Build, start a private server, let workers drain Debian's package graph (FULL=1: all of it)
	@scripts/setup --demo
	@scripts/build
	@scripts/cluster start
	@scripts/cluster run cargo run --release -p task_mgmt_demo -- $(full) $(ARGS)
	@printf '\nThe same database in psql: make psql ARGS=demo, or\n  '
	@scripts/cluster run bash -c 'printf "psql -h %q -U %s demo\n" "$$PGHOST" "$$PGUSER"'

demo-annotation: ## Build, start a private server, let annotators trace real neurons (ARGS='--swc DIR': other ones)
	@scripts/setup $(neurons)
	@$(if $(neurons),scripts/neurons)
	@scripts/build
	@scripts/cluster start
	@scripts/cluster run cargo run --release -p task_mgmt_annotation_demo -- $(ARGS)
	@printf '\nThe same database in psql, with links of any length: make psql ARGS=demo_annotation\n'

demo-queue: ## Build, start a private server, let Python and bash workers checksum /usr/share/doc (ARGS='--path DIR')
	@scripts/setup --queue
	@scripts/clients python
	@scripts/build
	@scripts/cluster start
	@scripts/cluster run target/python/bin/python demos/queue/demo.py $(ARGS)
	@printf '\nThe same database in psql: make psql ARGS=demo_queue\n'

test: ## Build and run every kind of test (ARGS='regress isolation': only those)
	@scripts/setup --test
	@tests/run $(ARGS)

install: ## Install into an existing server, 14 to 18: make install PG_CONFIG=/path/to/pg_config
	@[ -n '$(PG_CONFIG)' ] || { echo 'usage: make install PG_CONFIG=/path/to/pg_config' >&2; exit 2; }
	@scripts/setup --install '$(PG_CONFIG)'
	@scripts/build '$(PG_CONFIG)'

bench: ## Measure throughput and latency on the private server (ARGS='...' for the load generator; PEERS=1: other queues, too)
	@scripts/setup $(peers)
	@$(if $(peers),scripts/peers)
	@scripts/build
	@scripts/cluster start
	@scripts/cluster run cargo run --release -p task_mgmt_bench -- $(peers) $(ARGS)

psql: ## Open psql on the private server (ARGS=demo: in the database of the demo)
	@scripts/cluster start
	@scripts/cluster psql $(ARGS)

stop: ## Stop the private servers; their data stays
	@scripts/cluster stop
	@CLUSTER=test scripts/cluster stop

fmt: ## Format the Rust code
	@scripts/lint --fix

lint: ## Check formatting, clippy and the shell scripts, warnings as errors
	@scripts/lint
