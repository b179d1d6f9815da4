# The two commands to know: make demo, make test. `make help` lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PY := .venv/bin/python

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## ?(.*)/  make \1\t\2/' | column -t -s "$$(printf '\t')"

.PHONY: setup
setup: ## system packages, .venv, typeface; leaves .venv/bin/tiepdon
	@scripts/setup.sh

.PHONY: demo
demo: setup ## the whole check-in with a demo hospital and simulated devices
	@if [ -n "$$DISPLAY" ]; then .venv/bin/tiepdon demo; \
	else .venv/bin/tiepdon demo --headless --out out/demo; fi

.PHONY: test
test: setup lint types imports ## every check: lint, types, imports, tests on SQLite and PostgreSQL
	@# Three on two processors: much of it waits for silence on purpose.
	@$(PY) -m pytest -n 3 --dist worksteal -m "not slow and not gui"
	@# By file, in their order: pages of one file share a hospital, and people wait in it.
	@$(PY) -m pytest -p no:randomly -n 2 --dist loadfile -m "(slow or gui) and not alone"
	@$(PY) -m pytest -p no:randomly -m alone tests/integration

.PHONY: quick
quick: setup ## the fast tests only
	@$(PY) -m pytest -m "not slow and not gui and not postgres" -q

.PHONY: lint
lint: setup ## ruff: format and rules
	@.venv/bin/ruff format --check --quiet . && .venv/bin/ruff check --quiet .

.PHONY: types
types: setup ## mypy --strict on all packages
	@.venv/bin/mypy

.PHONY: imports
imports: setup ## who may import whom
	@.venv/bin/lint-imports > .setup/imports.log 2>&1 || { cat .setup/imports.log; exit 1; }

.PHONY: format
format: setup ## put the code in shape
	@.venv/bin/ruff check --fix --quiet . ; .venv/bin/ruff format --quiet .

.PHONY: golden
golden: setup ## redraw the golden pictures (look at them before you commit)
	@TIEPDON_GOLDEN=write $(PY) -m pytest tests/golden -q

.PHONY: pictures
pictures: setup ## redraw the pictures of pages in docs/pictures (look at them before you commit)
	@$(PY) -m tiepdon.demo.pages docs/pictures

.PHONY: bench
bench: setup ## benchmarks, as ratios; JSON in out/bench
	@$(PY) -m bench

.PHONY: soak
soak: setup ## 20,000 registrations and 10,000 payments while all fails that can (an hour)
	@$(PY) -m tests.soak
	@$(PY) -m tests.soak.payments

.PHONY: certify
certify: setup ## the conformance kit at full clock against every target of ours; reports in out/certify
	@$(PY) -m tests.conformance --out out/certify

.PHONY: certificates
certificates: setup ## the reports in docs/certificates, with time scaled
	@$(PY) -m tests.conformance --out docs/certificates --speed 60 demo careless fhir_server

.PHONY: lock
lock: setup ## compile requirements/*.txt from pyproject.toml
	@for extra in "" "--extra dev"; do \
	  out=requirements/$$( [ -z "$$extra" ] && echo runtime || echo dev ).txt; \
	  .venv/bin/uv pip compile pyproject.toml $$extra --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --no-emit-find-links --no-header --quiet -o $$out; done

.PHONY: clean
clean: ## remove everything that set-up and runs made
	rm -rf .venv .setup out build *.egg-info fonts/node_modules tiepdon/demo/fhir_server/node_modules
