# Needs Python 3.11 to 3.13 and make; everything else is installed into .venv.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
OUT    ?= audits
# What the tests are installed with; spark needs Java and adds half a gigabyte.
EXTRAS ?= test,dev
CONFIG ?= sample_data/telecom/audit.yaml

# Compiled modules are kept even where the machine says not to: every process of the tests reads them.
export PYTHONDONTWRITEBYTECODE =

.DEFAULT_GOAL := help

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

audit: $(VENV)/.audit ## run the audit on the sample log and say where the dashboard is
	@$(BIN)/journeylib audit $(CONFIG) --out $(OUT)

test: lint contracts ## everything that must hold before a change lands
	@# Each of these keeps one core busy; the tests after them keep two.
	$(MAKE) -j 2 notebooks types agree
	$(MAKE) unit

unit: $(VENV)/.test ## tests and doctests
	$(BIN)/python -m pytest -n 2 --dist loadfile

quick: $(VENV)/.test ## tests without the slow ones
	$(BIN)/python -m pytest -m "not slow and not browser" -x -n 2 --dist loadfile

notebooks: $(VENV)/.test ## notebooks run again, outputs compared with the stored ones
	$(BIN)/python -m pytest --nbval --nbval-sanitize-with .ci/nbval.txt -p no:cacheprovider -o addopts= notebooks

lint: $(VENV)/.test ## format and style
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.test ## mypy, strict
	$(BIN)/mypy

shape: ## the size of folders, functions and rooms
	@$(PYTHON) tests/shape.py

contracts: $(VENV)/.test ## rooms in one direction, by their front, without a circle
	$(BIN)/lint-imports

agree: $(VENV)/.test ## a small benchmark: wrong where answers differ, never where it is slow
	$(BIN)/python -m benchmarks.scale 1000000 journeylib duckdb polars pm4py

bench: $(VENV)/.test ## benchmarks, printed as ratios
	$(BIN)/python -m benchmarks

formats: $(VENV)/.test ## write the JSON Schemas to docs/formats, and docs/claims.md
	$(BIN)/journeylib schema config > docs/formats/config.schema.json
	$(BIN)/journeylib schema audit > docs/formats/audit.schema.json
	$(BIN)/python -c "from journeylib.judge.claims import claims_page; print(claims_page(), end='')" > docs/claims.md

store: $(VENV)/.test ## run the notebooks and store what they show (read the difference before committing)
	cd notebooks && ../$(BIN)/python -m nbconvert --to notebook --execute --inplace *.ipynb
	$(BIN)/python .ci/plain.py notebooks/*.ipynb
	$(BIN)/nbstripout --keep-output --keep-count notebooks/*.ipynb

lab: $(VENV)/.lab ## JupyterLab on the notebooks
	$(BIN)/jupyter lab --notebook-dir notebooks

clean: ## remove what was installed and made
	rm -rf $(VENV) $(OUT) .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/.python:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; ok = (3, 11) <= v <= (3, 13); \
	  ok or sys.exit("journeylib needs Python 3.11 to 3.13; this is %d.%d. Try: make PYTHON=python3.12 ..." % v)'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.audit: $(VENV)/.python pyproject.toml constraints.txt
	$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.test: $(VENV)/.audit
	$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e ".[$(EXTRAS)]"
	@touch $@

$(VENV)/.lab: $(VENV)/.audit
	$(BIN)/python -m pip install -qq --disable-pip-version-check -c constraints.txt -e ".[lab,workshop]"
	@touch $@

.PHONY: help shape audit test unit quick notebooks lint types contracts bench agree formats store lab clean
