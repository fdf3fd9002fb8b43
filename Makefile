# What people and .ci/run both use. `make lint` and `make test` each work alone on a fresh checkout with
# python3, pip and venv; they share one virtual environment and install nothing twice.

PYTHON ?= python3
VENV ?= .venv
# The build tested here. A bare torch on Linux brings gigabytes of CUDA libraries; where pip would choose that one:
#   make test TORCH_INDEX=https://download.pytorch.org/whl/cpu
TORCH ?= torch==2.13.0
TORCH_INDEX ?=
# More words for pytest, for instance: make test PYTEST_ARGS="tests/metrics -x"
PYTEST_ARGS ?=

CONSTRAINTS := constraints/test.txt
BIN := $(VENV)/bin
STAMP := $(VENV)/installed
WHEEL_LIMIT_MB := 25

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help venv browser lint format test test-slow test-cloud bench bench-check bench-attention build release-check constraints clean

help:  ## Show this list
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/\1\t\2/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name what; do \
		printf '  make %-16s %s\n' "$$name" "$$what"; done

venv: $(STAMP)  ## Make the virtual environment with pinned versions (PYTHON=python3.12 to choose)

$(STAMP): $(CONSTRAINTS) pyproject.toml
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
		echo "make: $(PYTHON) has no venv module; install it (Debian, Ubuntu: apt install python3-venv) or set PYTHON="; exit 1; }
	@test -x $(BIN)/python || { echo "== virtual environment $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "== $(TORCH)"
	$(BIN)/python -m pip install --quiet --constraint $(CONSTRAINTS) $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) "$(TORCH)" hatchling
	@echo "== distilfuse (editable) and its tools"
	$(BIN)/python -m pip install --quiet --constraint $(CONSTRAINTS) --no-build-isolation --editable ".[train,text,text-offline,evaluate,detect,dev,openvino,align,medical,video]"
	@touch $@

browser:  ## Install Chromium where there is none (Debian, Ubuntu, as root), for the test of the HTML report
	@command -v chromium chromium-browser google-chrome >/dev/null || { \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; }

lint: $(STAMP)  ## Check style, types and who imports whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache

format: $(STAMP)  ## Rewrite files in the project's style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

test: $(STAMP)  ## Run the tests (not those marked slow or gpu)
	$(BIN)/python -m pytest $(PYTEST_ARGS)

test-slow: $(STAMP)  ## Run the tests marked slow
	$(BIN)/python -m pytest -m "slow and not gpu" $(PYTEST_ARGS)

test-cloud: $(STAMP)  ## Install s3fs, gcsfs and emulators of S3 and GCS, and run `bulk` against them
	$(BIN)/python -m pip install -q s3fs "moto[server]" gcsfs gcp-storage-emulator
	$(BIN)/python -m pytest tests/workflows/bulk/test_s3.py tests/workflows/bulk/test_gcs.py

bench: $(STAMP)  ## Measure all models and rivals and keep the figures (minutes; on a quiet machine)
	$(BIN)/distilfuse bench --size 640x480 --size 1920x1080 --batch 1 --batch 4 --rivals -o benchmarks/results/bench.json --overwrite

bench-check: $(STAMP)  ## Fail if anything lost more than 15 % against the kept figures, in ratios
	$(BIN)/distilfuse bench --size 640x480 --size 1920x1080 --batch 1 --batch 4 --check benchmarks/results/bench.json

bench-attention: $(STAMP)  ## Measure windowed attention beside a naive implementation
	$(BIN)/python benchmarks/attention.py

build: $(STAMP)  ## Build the wheel and the source archive into dist/
	rm -rf dist
	$(BIN)/python -m hatchling build -t sdist -t wheel

release-check: build  ## Build, then fail if the wheel is too large to ship
	@for wheel in dist/*.whl; do \
		bytes=$$(wc -c < "$$wheel"); \
		echo "$$wheel: $$bytes bytes (limit $(WHEEL_LIMIT_MB) MB)"; \
		test "$$bytes" -lt $$(( $(WHEEL_LIMIT_MB) * 1000000 )); \
	done

# CUDA's libraries are left out: which of them are needed is the torch build's business, not the tests'.
constraints: $(STAMP)  ## Resolve constraints/test.txt anew, for every supported Python
	$(BIN)/python -m pip install --quiet uv
	{ sed '/^[^#]/,$$d' $(CONSTRAINTS); \
	  echo "$(TORCH)" | $(BIN)/uv pip compile pyproject.toml --constraint - --universal --python-version 3.10 --upgrade \
		--extra train --extra text --extra text-offline --extra evaluate --extra detect --extra dev --extra openvino --extra align --extra medical --extra video --no-header --no-annotate --quiet \
	  | grep -vE '^(cuda-|nvidia-|triton)'; } > $(CONSTRAINTS).new
	mv $(CONSTRAINTS).new $(CONSTRAINTS)

clean:  ## Remove what the targets above made
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
