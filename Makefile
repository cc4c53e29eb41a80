# make help shows the targets. Needs Python 3.11 or newer and make; everything else goes into environments here, except the
# browser tests' Chromium: if there is none, `make test` installs it (as root, Debian's with apt; else Playwright's).
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
.PHONY: help demo gallery run stop status test coverage mutate bench simulate plots check build deploy acceptance destroy dist docs lock clean

# The first that runs and is new enough: a shim may be there and fail.
PYTHON ?= $(shell for python in python3.13 python3.12 python3.11 python3; do \
	  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

# Workers of `make test`, each with a stack of its own: one for each core.
WORKERS ?= auto

BIN := .venv/bin
SAM := .venv-sam/bin
export NO_PROXY := localhost,127.0.0.1
export SAM_CLI_TELEMETRY := 0
export AWS_DEFAULT_REGION ?= us-east-1

help: ## Show the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: .venv/stamp .venv-emulator/stamp ## Run the main job once on a local stack of its own
	@$(BIN)/python -m local.demo

gallery: .venv/stamp ## Write every page and mail into .local/gallery, to leaf through
	@PYTHONPATH=layers/broker $(BIN)/python -m local.gallery.write

run: .venv/stamp .venv-emulator/stamp ## Keep the local stack up, and print how to play with it
	@PYTHONPATH=layers/client $(BIN)/python -m local.run up

stop: .venv/stamp ## End the local stack
	@$(BIN)/python -m local.run down

status: .venv/stamp ## Tell whether the local stack is up; exit status 1 if it is not
	@$(BIN)/python -m local.run status

test: .venv/stamp .venv-emulator/stamp .venv-msads/stamp ## Run all tests, on a local stack of their own
	@$(BIN)/python -m local.chromium
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --durations 25 $(ARGS)

coverage: .venv/stamp .venv-emulator/stamp ## Which lines and branches of the broker do unit and contract tests never reach?
	$(BIN)/coverage run -m pytest tests/unit tests/contract -q
	$(BIN)/coverage report

mutate: .venv/stamp .venv-mutation/stamp ## Mutation testing of the rules: which changes does no test notice? ARGS: module names
	@$(BIN)/python -m local.tools.mutate $(ARGS)

bench: .venv/stamp .venv-emulator/stamp ## Measure everything side by side: a table, and .local/bench.json
	@PYTHONPATH=layers/broker $(BIN)/python -m local.bench $(ARGS)

simulate: .venv/stamp ## A calm and a bad month of a million connections: .local/simulation.json
	@PYTHONPATH=layers/broker $(BIN)/python -m local.simulation $(ARGS)

plots: .venv-bench/stamp ## Draw docs/plots from what bench and simulate wrote
	@.venv-bench/bin/python -m local.bench.plots

check: .venv/stamp .venv-sam/stamp .venv-security/stamp build ## Formatter, linter, types, template checks
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy functions layers local tests
	$(SAM)/cfn-lint template.yaml
	$(SAM)/sam validate --lint
	@mkdir -p .build && $(BIN)/python -m local.transform .build/transformed.json
	$(SAM)/cfn-lint --ignore-checks W7001 -- .build/transformed.json # SAM has looked the mapping up
	.venv-security/bin/checkov --config-file local/tools/security.yaml --file .build/transformed.json
	$(BIN)/python -m local.tools.permissions --check

build: .venv/stamp .venv-sam/stamp ## Build for Lambda into .aws-sam/build, as `sam deploy` wants it
	PYTHON=$(abspath $(BIN)/python) $(SAM)/sam build --cached

dist: .venv-dist/stamp ## Build the client package into dist/: wheel, sdist, checks, bills of materials
	@.venv-dist/bin/python -m local.tools.dist

deploy: .venv/stamp build ## Deploy to AWS: make deploy STACK=name PARAMETERS="ClientId=... ..."
	$(SAM)/sam validate --lint
	@$(BIN)/python -m local.aws.deploy '$(STACK)' $(PARAMETERS)

acceptance: .venv/stamp ## Check a stack on AWS: make acceptance STACK=name
	@$(BIN)/python -m local.aws.acceptance '$(STACK)'

destroy: .venv/stamp ## Delete a stack on AWS, say what stays: make destroy STACK=name
	@$(BIN)/python -m local.aws.destroy '$(STACK)'

docs: .venv/stamp ## Write the generated pages anew: troubleshooting, OpenAPI, permissions
	PYTHONPATH=layers/broker $(BIN)/python -m local.tools.troubleshooting
	PYTHONPATH=layers/broker $(BIN)/python -m local.tools.openapi
	$(BIN)/python -m local.tools.permissions > /dev/null

lock: .venv-lock/stamp ## Write the lock files anew from the *.in files
	@for name in layers/{dependencies,client}/requirements requirements/{dev,emulator,sam,security,bench,lock,msads,mutation,dist}; do \
	  .venv-lock/bin/uv pip compile --universal --python-version 3.11 --generate-hashes --quiet --no-header --upgrade \
	    --no-emit-index-url --no-emit-find-links --no-emit-build-options $$name.in -o $$name.txt; echo "$$name.txt"; done

clean: ## Remove everything that the targets made
	-@if [ -x $(BIN)/python ]; then $(BIN)/python -m local.run down; fi
	rm -rf .venv .venv-* .build .aws-sam .local dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

# One line that says how far pip is: of how many packages, and which one.
progress = awk -v all="$$(grep -c '==' $<)" '\
	/^Collecting / {printf "\r  %d of %d: %-40.40s", ++n, all, $$2} \
	/^Installing collected/ {printf "\r  %-60s", "unpacking " n " packages ..."} \
	{fflush()} END {printf "\r  %-60s\n", n " packages"}'

# The lock files name every package, so pip need not (and, with extras in hash mode, cannot) resolve: --no-deps.
define install
	@test -n '$(PYTHON)' || { echo 'Python 3.11 or newer is needed: install it, or name it with PYTHON=<path>.' >&2; exit 1; }
	@echo 'Installing $< into $(@D): once, and it takes minutes ...'
	@rm -rf $(@D)
	@$(PYTHON) -m venv $(@D)
	@$(@D)/bin/python -m pip install --progress-bar off --disable-pip-version-check --no-deps --require-hashes -r $< | $(progress)
	@touch $@
endef

.venv/stamp: requirements/dev.txt
	$(install)

.venv-%/stamp: requirements/%.txt
	$(install)
