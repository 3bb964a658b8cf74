.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
# uv links packages out of its cache; copying works on every file system.
export UV_LINK_MODE := copy
PY := .venv/bin/python
TOOLS := .cache/bin

.PHONY: help demo test test-fast test-full lint format lock servers clean

help: ## what each target does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

.venv/worker.done: requirements/bootstrap.txt requirements/worker.txt pyproject.toml
	test -x $(PY) || python3 -m venv .venv
	$(PY) -m pip install -q --require-hashes -r requirements/bootstrap.txt
	$(PY) -m uv pip install -q --python $(PY) --require-hashes -r requirements/worker.txt
	$(PY) -m uv pip install -q --python $(PY) --no-deps --no-build-isolation -e .
	touch $@

.venv/dev.done: .venv/worker.done requirements/dev.txt
	$(PY) -m uv pip install -q --python $(PY) --require-hashes -r requirements/dev.txt
	touch $@

$(TOOLS)/versitygw:
	GOBIN=$(CURDIR)/$(TOOLS) go install github.com/versity/versitygw/cmd/versitygw@v1.8.0

$(TOOLS)/minio:
	GOBIN=$(CURDIR)/$(TOOLS) go install github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c

demo: .venv/worker.done ## run the digits job here, with local storage
	.venv/bin/batchprocess run examples/digits/job.yaml $(ARGS)

lint: .venv/dev.done ## ruff, mypy strict, import-linter
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

format: .venv/dev.done ## format and sort imports
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

test-fast: .venv/dev.done ## unit tests only, under a minute
	$(PY) -m pytest -q -m "not slow and not full"

test: lint $(TOOLS)/versitygw ## lint, unit, explorer, real S3, kills
	$(PY) -m pytest -q -m "not full"

test-full: test $(TOOLS)/minio ## the long versions too
	$(PY) -m pytest -q -m full --timeout 14400

lock: ## compile the hashed locks anew
	$(PY) -m uv pip compile -q --generate-hashes --no-header --no-emit-find-links --no-emit-index-url --python-version 3.11 requirements/bootstrap.in -o requirements/bootstrap.txt
	$(PY) -m uv pip compile -q --generate-hashes --no-header --no-emit-find-links --no-emit-index-url --python-version 3.11 --extra worker --extra cli --extra examples pyproject.toml -o requirements/worker.txt
	$(PY) -m uv pip compile -q --generate-hashes --no-header --no-emit-find-links --no-emit-index-url --python-version 3.11 --extra dev pyproject.toml -c requirements/worker.txt -o requirements/dev.txt

clean: ## remove the environment, the tools and all caches
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
