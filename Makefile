# vecdb: `make demo` to see it, `make test` to trust it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON3 ?= python3
VENV := .venv
PYTHON := $(VENV)/bin/python
CXX_SOURCES = $(wildcard native/*.cpp native/*.h)

.PHONY: help demo native test test-fast lint types bench-smoke compare clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: native ## build, load 10,000 WordNet synsets, search them, kill a writer, count what is left
	@$(PYTHON) -m demo.run

native: $(VENV)/.runtime ## rebuild what changed of the C++ and Cython half
	@$(PYTHON) setup.py --quiet build_clib build_ext --inplace

test: lint types ## everything: build, lint, types, the whole test suite
	@$(PYTHON) -m pytest

test-fast: native $(VENV)/.dev ## the tests that take seconds
	@$(PYTHON) -m pytest -q -m "not slow"

lint: $(VENV)/.dev ## ruff and clang-format, changing nothing
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(if $(CXX_SOURCES),$(VENV)/bin/clang-format --dry-run --Werror $(CXX_SOURCES))

types: native $(VENV)/.dev ## mypy --strict over the package, the tests and the demo
	@$(PYTHON) -m mypy build/packages/vecdb $(wildcard tests demo) setup.py

bench-smoke: native $(VENV)/.dev ## the smallest benchmarks: every algorithm that is installed, and what vecdb promises
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && \
	  $(PYTHON) -m vecdb.bench run --smoke --data "$$folder/data" --results "$$folder/results"
	@$(PYTHON) -m vecdb.bench promises --smoke

# The data sets of docs/benchmarks.md; VECDB_BENCH_SOURCES names folders with the files that they are made of.
DATASETS ?= wordnet-minilm-384-angular fashion-mnist-784-euclidean

compare: native $(VENV)/.peers ## the whole comparison of docs/benchmarks.md again: every peer, under an hour on two cores
	@for set in $(DATASETS); do \
	  $(PYTHON) -m vecdb.bench run --dataset $$set --lap-seconds 0.5 --timeout 300 || true; \
	  $(PYTHON) -m vecdb.bench compare --dataset $$set --markdown docs/benchmarks.md; \
	done
	@$(PYTHON) -m vecdb.bench report

clean: ## remove everything that was built, the virtual environment too
	rm -rf build $(VENV) vecdb.egg-info demo-data native/*.so .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment: first what a build needs, then the package itself, editable; the tools of development on top.
$(VENV)/.created:
	@$(PYTHON3) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "vecdb needs Python 3.11 or newer: make PYTHON3=/path/to/python3.12 ..." >&2; exit 1; }
	@$(PYTHON3) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "this Python cannot make environments: install python3-venv (apt install python3-venv)" >&2; exit 1; }
	@command -v $${CXX:-c++} >/dev/null || \
		{ echo "no C++ compiler found: install g++ or clang++ with C++17 (apt install g++ python3-dev)" >&2; exit 1; }
	@test -x $(PYTHON) || $(PYTHON3) -m venv $(VENV)
	@touch $@

REQUIREMENTS = $(PYTHON) -c 'import sys, tomllib, functools; \
	print(*functools.reduce(dict.get, sys.argv[1:], tomllib.load(open("pyproject.toml", "rb"))), sep="\n")'

$(VENV)/.runtime: $(VENV)/.created pyproject.toml
	@$(REQUIREMENTS) build-system requires > $(VENV)/build-requirements.txt
	@$(PYTHON) -m pip install --quiet --upgrade -r $(VENV)/build-requirements.txt
	@$(PYTHON) -m pip install --quiet --no-build-isolation --editable .
	@touch $@

$(VENV)/.peers: $(VENV)/.dev
	@$(REQUIREMENTS) project optional-dependencies peers > $(VENV)/peers-requirements.txt
	@$(PYTHON) -m pip install --quiet -r $(VENV)/peers-requirements.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime
	@$(REQUIREMENTS) project optional-dependencies dev > $(VENV)/dev-requirements.txt
	@$(PYTHON) -m pip install --quiet -r $(VENV)/dev-requirements.txt
	@touch $@
