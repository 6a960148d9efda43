# One environment, .venv, holds everything; it is made on first use and again only when the pins change.
SHELL := bash
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3; do \
	"$$p" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { command -v "$$p"; break; }; done)
BIN := .venv/bin
READY := .venv/.installed

# Tests start hundreds of processes: none is to compile anew what another has compiled.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help setup run demo test check check-beside check-clock lint audit sbom format openapi release-api version release dist screenshots charts lock lock-images image env check-images docs docs-serve reference clean

help: ## say what each target does
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv with everything that is needed

run: $(READY) ## fill an empty database (simulated), train a first champion, serve on port 8000, show on 5002
	@$(BIN)/greyhound up || [ $$? -eq 130 ]

demo: $(READY) ## let a simulated season pass in minutes, and show it in the browser, below var/demo
	@$(BIN)/greyhound demo --serve || [ $$? -eq 130 ]

test: $(READY) ## run all tests
	env -u MAKEFLAGS OMP_NUM_THREADS=1 $(BIN)/pytest -n 4 --dist loadfile --no-loadscope-reorder

check-clock: $(READY) ## run the fast tests under another clock and zone (CLOCKS=all: under every one; TESTS=days: only those about days, all: all tests)
	env -u MAKEFLAGS OMP_NUM_THREADS=1 $(BIN)/python -m tests.clocks --clocks $(CLOCKS) --tests $(TESTS)
CLOCKS := leap-day-ends-in-auckland
TESTS := fast

check: $(READY) ## exactly what CI runs: all tests; beside them format, lint, types, imports, known vulnerabilities, clocks
	@$(MAKE) --no-print-directory -j 2 check-beside test

check-beside: $(READY) ## what runs beside the tests, which leave a third of two cores idle
	@$(MAKE) --no-print-directory --output-sync=target lint audit check-clock TESTS=days

lint: $(READY) ## check formatting, lint, types and which package imports which
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports

audit: $(READY) ## look the pinned packages up among known vulnerabilities (AUDIT=required: fail where advisories cannot be fetched)
	$(BIN)/python -m tests.house.audit $(if $(filter required,$(AUDIT)),--required)

sbom: $(READY) ## list the pinned packages with their hashes as CycloneDX, for others' audits, into var/sbom
	$(BIN)/python deploy/sbom.py var/sbom constraints.txt constraints/*.txt

reference: $(READY) ## write the pages of docs/reference anew from the code
	$(BIN)/python -m docs.made.pages

docs: $(READY) ## build the documentation into var/site; a warning is an error
	$(BIN)/python -m zensical build --clean --strict

docs-serve: $(READY) ## show the documentation on port 8001, and again whenever a page is saved
	$(BIN)/python -m zensical serve --dev-addr localhost:8001

format: $(READY) ## format the code and mend what lint can mend
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

openapi: $(READY) ## write openapi/openapi.json anew from the code, and the client's models from it
	$(BIN)/python -m service.openapi openapi/openapi.json
	$(BIN)/python -m tests.openapi.client_models

release-api: openapi ## make openapi/openapi.json the released one, by which later changes are judged
	cp openapi/openapi.json openapi/released.json

version: $(READY) ## begin a release: write VERSION=1.2.3 wherever the version stands, and the changelog's heading
	$(BIN)/python deploy/version.py $(VERSION)

release: ## what a release must pass, its wheels, and the lists of packages that it ships; nothing that was not audited passes
	$(MAKE) audit AUDIT=required
	$(MAKE) check sbom dist
	@echo "Now, as docs/how-to/release.md says: git tag v$(PACKAGE_VERSION), make image, and push."

dist: $(READY) ## build the wheels of greyhound and greyhound-client, into dist
	rm -rf build client/build dist # what was deleted since would be in them
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist . ./client
	@ls dist
PACKAGE_VERSION = $(shell sed -n 's/^version = "\(.*\)"$$/\1/p' pyproject.toml)

screenshots: $(READY) ## take pictures of every page of the front end, into var/screenshots
	$(BIN)/python -m tests.frontend.screenshots

charts: $(READY) ## write the charts' specifications, Vega's JavaScript and the pictures of the documentation anew
	$(BIN)/python -m greyhound.charts.design
	$(BIN)/python -m docs.pictures.charts

lock-images: $(READY) ## pin the images of Dockerfile and docker-compose.yml by digest, as their registries have them now
	$(BIN)/python deploy/lock_images.py

lock: $(READY) ## pin all dependencies anew, within pyproject's ranges
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile $(LOCK) --extra dev pyproject.toml -o constraints.txt
	for extras in service,postgresql,tracing training,postgresql,tracing,scale; do \
		$(BIN)/uv pip compile $(LOCK) --extra $${extras//,/ --extra } -c constraints.txt pyproject.toml \
			-o constraints/$${extras%%,*}.txt; done
	$(BIN)/uv pip compile $(LOCK) --extra frontend $(NO_RACES:%=--no-emit-package %) -c constraints.txt pyproject.toml \
		-o constraints/frontend.txt
	$(BIN)/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"], sep="\n")' \
		| $(BIN)/uv pip compile $(LOCK) -c constraints.txt -o constraints/build.txt -
	mkdir -p var
	sed -n 's/^nets = .*"\(torch[^"]*\)".*/\1/p' pyproject.toml \
		| $(BIN)/uv pip compile --quiet --universal --python-version 3.11 -c constraints.txt -o var/pylock.toml -
	$(BIN)/python deploy/lock_nets.py var/pylock.toml constraints/training.txt constraints/nets.txt
# What only races and models need, and the front end's image does without.
NO_RACES := alembic greenlet mako numpy sqlalchemy sqlmodel
LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url

image: ## build the container images, tagged with the version: service, training, front end, and HAProxy before the replicas
	docker build --target service -t greyhound-service -t greyhound-service:$(PACKAGE_VERSION) .
	docker build --target training -t greyhound-training -t greyhound-training:$(PACKAGE_VERSION) .
	docker build --target frontend -t greyhound-frontend -t greyhound-frontend:$(PACKAGE_VERSION) .
	docker build --target haproxy -t greyhound-haproxy -t greyhound-haproxy:$(PACKAGE_VERSION) .

env: ## write .env, once, with passwords for `docker compose up`
	@[ -n "$(PYTHON)" ] || { echo "greyhound needs Python 3.11 or newer" >&2; exit 1; }
	@$(PYTHON) deploy/env.py

check-images: $(READY) ## build the images and run all of docker-compose.yml from them, end to end (minutes)
	GREYHOUND_CHECK_IMAGES=1 OMP_NUM_THREADS=1 $(BIN)/pytest tests/compose/test_from_images.py

clean: ## delete .venv, caches and everything under var/ (database and models too)
	rm -rf .venv var build client/build dist *.egg-info client/*.egg-info .cache .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	rm -f racing/ops/*.so
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): pyproject.toml setup.py $(wildcard racing/ops/*.c) constraints.txt constraints/build.txt constraints/nets.txt
	@[ -n "$(PYTHON)" ] || { echo "greyhound needs Python 3.11 or newer with venv (Debian: apt install python3-venv)" >&2; exit 1; }
	@echo "Setting up .venv: once, some minutes, 3 GB."
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints/build.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r constraints/nets.txt 2>/dev/null \
		|| echo "No CPU build of torch: trainings leave out the net (docs/explanation/field-net.md, \"To have it\"). All else works."
	@rm -f racing/ops/*.so # one of before would hide that compiling fails now
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(BIN)/python -c 'import racing.ops as k; k.IS_COMPILED or print("No C compiler or no Python headers: cards take milliseconds instead of a fraction of one. All else works.")'
	@touch $@
