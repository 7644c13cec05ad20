# sensord: the commands of the README.   make demo | make test | make help
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# real recordings are found beside the project when they are there; the code itself has no default
ifeq ($(origin SENSORD_DATA), undefined)
ifneq ($(wildcard ../shared/data/README.md),)
export SENSORD_DATA := $(abspath ../shared/data)
endif
endif

.PHONY: help demo test quick explore fuzz coverage-plan mutants test-bluez soak-link lint types packages check bench screenshots clean

help: ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

$(BIN)/.run: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing sensord into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(BIN)/.test: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing sensord and what its tests need into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[plot,docs,test]'
	@touch $@ $(BIN)/.run

$(BIN)/.bluez: $(BIN)/.test
	@echo "installing the radio of the guest into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bluez]'
	@touch $@

demo: $(BIN)/.run ## two simulated pods, a live page; no Bluetooth, no server
	$(BIN)/sensord demo

packages: ## the Debian packages that the tests start (as root, or through sudo)
	@.ci/packages

lint: $(BIN)/.test ## ruff, import-linter, mypy
	$(BIN)/ruff check sensord tests bench
	$(BIN)/ruff format --check sensord tests bench
	$(BIN)/lint-imports
	$(BIN)/mypy

test: packages $(BIN)/.test ## everything that must be green
	@$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest -n 3 --dist loadfile

quick: $(BIN)/.test ## the tests without the slow ones (processes, long runs, recordings measured again)
	$(BIN)/python -m pytest -n 3 --dist loadfile -m "not slow"

explore: $(BIN)/.test ## the quick tests with examples that were not tried before
	HYPOTHESIS_PROFILE=explore $(BIN)/python -m pytest -n 3 --dist loadfile -m "not slow"

FUZZ ?= 10000000
fuzz: $(BIN)/.test ## mangled packets through every pod's decoder, every branch reached (FUZZ=10000000; about 10 min)
	$(BIN)/python -m bench.fuzz_drivers --packets $(FUZZ)

coverage-plan: $(BIN)/.test ## every statement of sensord/plan reached by its own tests, and 95 % of its branches (3 min)
	$(BIN)/python -m bench.coverage_plan

$(BIN)/.mutation: $(BIN)/.test
	@echo "installing the mutation tester into $(VENV)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[mutation]'
	@touch $@

mutants: $(BIN)/.mutation ## limits and progress changed one place at a time: what no test notices (docs/mutants.md; 30 min)
	$(BIN)/python -m bench.mutants

BLUEZ_TESTS ?= tests/rig
test-bluez: $(BIN)/.bluez ## the link tests on a real bluetoothd in a User-Mode-Linux guest (6 min; 5 more the first time: a kernel)
	@.ci/packages bluez
	@echo "the link tests on a real bluetoothd: kernel (built once, about 5 minutes), boot (2 s), tests (about 6 minutes)"
	$(BIN)/python -m tests.uml.run --timeout 1200 -- $(BIN)/python -m pytest -p no:cacheprovider -v $(BLUEZ_TESTS)

SOAK ?= --disconnects 1000 --minutes 10 --restarts 50
SOAK_REAL ?= --disconnects 100 --minutes 10 --restarts 50
soak-link: $(BIN)/.bluez ## links lost 1,000 times on the emulated BlueZ, 100 on the real one; long streams, restarts (2.5 hours)
	@.ci/packages bluez
	$(BIN)/python -m bench.soak_link $(SOAK)
	$(BIN)/python -m tests.uml.run --timeout 7200 -- $(BIN)/python -m bench.soak_link $(SOAK_REAL)

bench: $(BIN)/.test ## timings (they are not tests)
	$(BIN)/python bench/run.py

screenshots: $(BIN)/.test ## the pictures of the README, from the running demo
	$(BIN)/python bench/screenshots.py

clean: ## the environment and the caches
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
