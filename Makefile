# The tasks of the house. Each sees to its own set-up on a Debian 12 that has git, make, cargo, node and npm.
# `make help` lists them.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --no-print-directory

# Real data for tests and benches, where somebody has put it; without it they say what they skip.
corpus := $(or $(YAGURA_CORPUS),$(wildcard $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/yagura-corpus))
ifneq ($(corpus),)
export YAGURA_CORPUS := $(corpus)
else
unexport YAGURA_CORPUS
endif

# What each task needs beyond the tools named above (names of Debian 12; scripts/need installs or explains).
build_needs := cargo gcc libc6-dev
web_needs := node npm
test_needs := $(build_needs) $(web_needs) chromium fonts-noto-cjk golang-go golang-golang-x-mod-dev iproute2 mosquitto nats-server nftables postgresql python3-venv ripgrep softflowd softhsm2 unbound zstd
bench_needs := $(build_needs) $(web_needs) postgresql python3-venv ripgrep zstd
fuzz_needs := $(build_needs) g++

# Arguments for the program of `make run`: make run ARGS='--lang en --listen 127.0.0.1:9000'
ARGS ?=
FUZZ_SECONDS ?= 60
FUZZ_TARGET ?=
SOAK_MINUTES ?= 30
FEDERATION_SECONDS ?= 600
DAY_SECONDS ?= 864
DOORS_OBJECTS ?= 4000
DOORS_ROUNDS ?= 6

web_sources := $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/dist/*' -not -path 'web/test-results/*')

.PHONY: help setup run test lint bench prover fuzz soak hub-soak edge-soak doors-soak web fmt

help: ## Say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 16

setup: ## Install everything that any task needs
	@scripts/need $(sort $(test_needs) $(bench_needs) $(fuzz_needs))
	@scripts/cargo-tool cargo-deny@0.20.2
	@$(MAKE) web

run: web ## Build and run the demonstration: a hub, two edges, the console
	@scripts/need $(build_needs)
	cargo run --locked --profile demo -p yagura -- demo $(ARGS)

test: ## Run every test and check
	@scripts/need $(test_needs)
	@$(MAKE) web
	@scripts/test

lint: ## Check form, lints, licences, banned crates and known vulnerabilities
	@scripts/need $(build_needs) $(web_needs)
	@$(MAKE) web
	@scripts/lint

bench: ## Measure throughput, delay and memory beside their limits
	@scripts/need $(bench_needs)
	@$(MAKE) web
	bash bench/run.sh

prover: ## Build the program that proves what policies can allow, with its solver
	@scripts/need $(build_needs) python3-venv
	@scripts/prover

fuzz: ## Feed the parsers with generated input (FUZZ_SECONDS each, FUZZ_TARGET for one)
	@scripts/need $(fuzz_needs)
	@scripts/fuzz $(FUZZ_SECONDS) $(FUZZ_TARGET)

soak: ## Repeat all Rust tests with many more random cases (SOAK_MINUTES)
	@scripts/need $(build_needs) $(web_needs)
	@$(MAKE) web
	@scripts/soak $(SOAK_MINUTES)

hub-soak: ## Cut links and kill hubs at random among three hubs, ten minutes (FEDERATION_SECONDS)
	@scripts/need $(build_needs) $(web_needs)
	@$(MAKE) web
	YAGURA_SOAK_SECONDS=$(FEDERATION_SECONDS) cargo test --locked -p yagura --test program -- soak:: --nocapture

edge-soak: ## Play a day of mixed traffic to an edge that is killed at noon (DAY_SECONDS: 864 is a hundred times the speed)
	@scripts/need $(build_needs) $(web_needs) python3-venv
	@$(MAKE) web
	@scripts/python-venv target/venv
	cargo build --locked --profile demo -p yagura
	YAGURA_TESTED=$${CARGO_TARGET_DIR:-$(CURDIR)/target}/demo/yagura YAGURA_PYTHON=$(CURDIR)/target/venv/bin/python YAGURA_DAY_SECONDS=$(DAY_SECONDS) \
	  cargo test --locked -p yagura --test program -- day:: --nocapture

doors-soak: ## Compare every door with the model of the rules at length (DOORS_OBJECTS, DOORS_ROUNDS, YAGURA_SEED)
	@scripts/need $(build_needs) $(web_needs)
	@$(MAKE) web
	YAGURA_SEED=$${YAGURA_SEED:-$$RANDOM} YAGURA_DOORS_OBJECTS=$(DOORS_OBJECTS) YAGURA_DOORS_ROUNDS=$(DOORS_ROUNDS) \
	  cargo test --locked -p hub --test it -- every_door:: --nocapture

web: web/dist/index.html ## Build the console, when its sources have changed

fmt: ## Bring the Rust code into form
	cargo fmt --all

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	@scripts/need $(web_needs)
	cd web && npm ci --no-audit --no-fund
	@touch $@

web/dist/index.html: web/node_modules/.package-lock.json $(web_sources)
	cd web && npm run --silent build
	@touch $@
