# Two commands do all the set-up: `make run` and `make test`. Needs Python >= 3.11 with venv, and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.9
ARGS ?=
SUITE ?= smoke
PROMPTS ?=

.DEFAULT_GOAL := help
.PHONY: help setup run demo scale-demo test test-browser check format bench eval eval-record openapi image-check sbom fuzz faults clean

help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'

$(VENV)/.synced: pyproject.toml uv.lock uv-requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "debrief needs Python 3.11 or newer; name one: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "the venv module is missing: apt-get install python3-venv"; exit 1; }
	@echo "Installing debrief and its locked dependencies into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r uv-requirements.txt
	@VIRTUAL_ENV=$(CURDIR)/$(VENV) $(BIN)/uv sync --frozen --quiet --inexact --compile-bytecode
	@touch $@

setup: $(VENV)/.synced ## make the environment; afterwards .venv/bin/debrief exists

run: setup ## start the service on http://127.0.0.1:8000 (fetches the embedded model on first use)
	@$(BIN)/debrief serve $(ARGS)

demo: setup ## grade a wrong and a right answer through the real API and print both grades
	@$(BIN)/python -m evals.demo $(ARGS)

scale-demo: setup ## a batch of 2,000 on a real Postgres with two workers, one killed half-way: ARGS="--items 200"
	@$(BIN)/python -m evals.bench.scale $(ARGS)

test: setup ## run all tests: no key, no server, no large download
	@$(BIN)/python -m pytest $(ARGS)

test-browser: setup ## drive the pages with Debian's Chromium (apt-get install chromium); pictures in tests/browser/screenshots
	@DEBRIEF_TEST_BROWSER=1 $(BIN)/python -m pytest tests/browser $(ARGS)

check: setup ## lint, types, architecture, rubrics, prompts, API document: fast and clean
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/debrief rubric check rubrics
	@$(BIN)/debrief prompt check prompts
	@$(BIN)/python -m evals.openapi --check
	@$(BIN)/python -m evals.supply_chain
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker-compose.yml

format: setup ## format the code
	@$(BIN)/ruff check --fix --quiet
	@$(BIN)/ruff format --quiet

bench: setup ## measure speed and size against a bare client in the same run
	@$(BIN)/python -m evals.bench $(ARGS)

eval: setup ## compare prompt versions: SUITE=dev PROMPTS="judge-readout@3 judge-readout@4" ARGS="--limit 20"
	@$(BIN)/debrief eval run $(if $(findstring --resume,$(ARGS)),,--suite $(SUITE)) $(addprefix --prompt ,$(PROMPTS)) $(ARGS)

eval-record: setup ## the same with the real model, its replies recorded for everybody's make eval
	@$(BIN)/debrief eval run --record $(if $(findstring --resume,$(ARGS)),,--suite $(SUITE)) $(addprefix --prompt ,$(PROMPTS)) $(ARGS)

sbom: setup ## write what this is made of (CycloneDX) to dist/debrief.cdx.json
	@mkdir -p dist
	@$(BIN)/python -m cyclonedx_py environment $(VENV) --pyproject pyproject.toml --output-reproducible -o dist/debrief.cdx.json
	@$(BIN)/python -c 'import json; print(len(json.load(open("dist/debrief.cdx.json"))["components"]), "components in dist/debrief.cdx.json")'

fuzz: setup ## throw thousands of good and bad requests at a real server: ARGS="--examples 50 --seed 7"
	@$(BIN)/python -m evals.fuzz $(ARGS)

faults: setup ## kill, freeze and stop the service under load and check what is left: ARGS="--kills 50 --jobs 2000 --seed 7"
	@$(BIN)/python -m tests.faults $(ARGS)

openapi: setup ## write the API document after a deliberate change
	@$(BIN)/python -m evals.openapi --write

image-check: ## run the Dockerfile's steps without Docker, into a folder that is thrown away
	@folder=$$(mktemp -d) && docker/install.sh $$folder; failed=$$?; rm -rf $$folder; exit $$failed

clean: ## remove the environment and caches (not the fetched model, not your grades)
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
