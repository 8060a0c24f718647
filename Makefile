# Everything a person or a CI runs.  Needs a Debian (12 or later), root, python3, make and git; installs the rest itself.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help demo test nightly run plugin deb release package-tests browser-tests lint unit kernel vm vm-engine lab e2e reliability bench setup packages venv engines demo-engine machine clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAGE := packaging/stage
PYTEST := $(BIN)/pytest -q
# Folders that need neither root nor an engine.
FAST := tests/unit tests/property tests/contract tests/conformance tests/golden tests/benchmarks tests/reliability tests/stages

help: ## Show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

demo: ## Show pynet at work on a real Docker Engine, in four acts, and clean up (DEMO=verbose: what it was made of)
	@$(STAGE) "Debian packages" packaging/packages
	@$(STAGE) "Python environment and engine" $(MAKE) --no-print-directory -j2 venv demo-engine
	@$(BIN)/python -m tests.lab.demo

test: ## Run the tests: one of each kind, on real engines too
	@$(PYTHON) -B -m tests.stages test

nightly: ## Run what is exhaustive, random or long, and a second kernel
	@$(PYTHON) -B -m tests.stages nightly

run: setup ## Serve this host's Docker in the foreground
	@$(BIN)/pynet serve

plugin: setup ## Build the managed plugin, create and enable it in this host's Docker
	@$(BIN)/python packaging/plugin.py install

deb: venv ## Build the Debian package, in dist (ARCH=arm64 for another machine's)
	@$(BIN)/python packaging/deb.py $(if $(ARCH),--arch $(ARCH))

release: setup ## Build what a release has, in dist: packages, plugins for amd64 and arm64, wheel, checksums
	@$(BIN)/python packaging/release.py

package-tests: setup engines ## Install, upgrade and remove the packages on bare hosts
	@packaging/packages lintian prometheus qemu-user-static
	@$(PYTEST) -m nightly tests/packages

browser-tests: setup ## Test the page of pynet ui in Chromium
	@packaging/packages chromium
	@$(PYTEST) -m nightly tests/browser

lint: venv ## Check style, types and who imports whom
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/mypy -p tests.lab -p tests.e2e -p tests.benchmarks -p tests.vm -p tests.reliability -p tests.stages -p tests.kernel -p tests.fakes -p tests.packages -p tests.browser
	@$(BIN)/lint-imports

unit: venv ## Run the tests that need no root and no engine, some two minutes
	@$(PYTEST) $(FAST)

kernel: setup ## Run the tests on real netlink and nftables
	@$(PYTEST) tests/kernel

vm: setup machine ## Run tests on Debian's own kernel, in a virtual machine
	@$(PYTEST) tests/vm
	@$(BIN)/python -m tests.vm

vm-engine: setup engines machine ## Run tests on real engines in that virtual machine
	@$(BIN)/python -m tests.vm -v tests/e2e/vm

lab: setup engines ## Test the test lab itself
	@$(PYTEST) tests/lab

e2e: setup engines ## Run the tests on real engines
	@$(BIN)/python -m tests.lab.prebuild
	@$(BIN)/python -m tests.lab.side_by_side tests/e2e

reliability: setup engines ## Prove that nothing hangs or leaks; writes docs/reliability.md (ONLY=name for one proof)
	@$(BIN)/python -m tests.reliability $(if $(ONLY),--only $(ONLY))

bench: setup engines ## Measure beside Docker's own drivers; writes docs/benchmarks.md
	@$(BIN)/python -m tests.benchmarks

scale: setup ## Simulate a thousand hosts of one cluster; writes docs/scale.md
	@$(BIN)/python -m tests.benchmarks.scale

setup: packages venv ## Install what all of this needs

packages:
	@packaging/packages

venv: $(VENV)/.stamp

# A failed or half-done installation leaves no stamp, and the next make starts it afresh.
$(VENV)/.stamp: setup.cfg pyproject.toml
	@echo "  Python environment: making $(VENV) ..."
	@rm -f $@ && $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -qq --disable-pip-version-check -e '.[test]'
	@touch $@
	@echo "  Python environment: ready"

# These need only the standard library, so they run beside the making of the environment.
engines:
	@PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m tests.lab.roots

machine:
	@PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m tests.vm.image

demo-engine:
	@docker version >/dev/null 2>&1 || PYTHONDONTWRITEBYTECODE=1 $(PYTHON) -m tests.lab.roots 28

clean: ## Remove what was made here (not the cached engines)
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
