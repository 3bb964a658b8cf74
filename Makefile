.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
# uv links packages out of its cache; copying works on every file system.
export UV_LINK_MODE := copy
PY := .venv/bin/python
TOOLS := .cache/bin
# A long step says how long it takes, and each half minute that it lasts: STEP TITLE ABOUT COMMAND.
# -P, and only the standard library: see the module.
STEP = python3 -P testcluster/step.py --log .cache/logs/$(@F).log
# Programs with the same flags share the packages that they have in common, Go's own among them.
# Collecting garbage less often takes some of the compilers' time away, and costs memory.
GO := env CGO_ENABLED=0 GOGC=400
BUILD := build -v -trimpath
INSTALL = $(GO) GOBIN=$(CURDIR)/$(TOOLS) go install -v -trimpath

# Tests wait more than they compute.
PROCESSES ?= 4

# A run starts many processes. Where Python is told to write no bytecode, each would compile torch.
COMPILED := batchprocess.cli.commands.run, batchprocess.sdk.entry, batchprocess.storage.s3, \
	sklearn.datasets, torch.distributed.run, torch.profiler, torch.utils.tensorboard

.PHONY: help demo test test-fast test-full test-hostile lint format generate verify lock clean \
	audit dist vendor cluster cluster-programs cluster-images cluster-deps browser cluster-down images kind testcluster bench-operator

help: ## what each target does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

.venv/worker.done: requirements/bootstrap.txt requirements/worker.txt pyproject.toml
	test -x $(PY) || python3 -m venv .venv
	$(PY) -m pip install -q --require-hashes -r requirements/bootstrap.txt
	@$(STEP) "Python packages, torch among them" "2 minutes" \
		$(PY) -m uv pip install --python $(PY) --require-hashes -r requirements/worker.txt
	$(PY) -m uv pip install -q --python $(PY) --no-deps --no-build-isolation -e .
	@$(STEP) "Bytecode of those packages" "half a minute" \
		env -u PYTHONDONTWRITEBYTECODE $(PY) -c "import $(COMPILED)"
	touch $@

.venv/dev.done: .venv/worker.done requirements/dev.txt
	@$(STEP) "Python packages for development" "half a minute" \
		$(PY) -m uv pip install --python $(PY) --require-hashes -r requirements/dev.txt
	touch $@

$(TOOLS)/versitygw:
	@$(STEP) "versitygw, an S3 server" "1 minute" \
		$(INSTALL) github.com/versity/versitygw/cmd/versitygw@v1.8.0

$(TOOLS)/minio:
	@$(STEP) "MinIO, another S3 server" "2 minutes" \
		$(INSTALL) github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c

# The version is the one that testcluster/go.mod requires; without the stamp clients see v0.0.0.
KUBERNETES := $(shell sed -n 's:^\tk8s.io/kubernetes v::p' testcluster/go.mod)
MAJOR := $(word 1,$(subst ., ,$(KUBERNETES)))
MINOR := $(word 2,$(subst ., ,$(KUBERNETES)))
STAMP = $(addprefix -X k8s.io/component-base/version., \
	gitVersion=v$(KUBERNETES) gitMajor=$(MAJOR) gitMinor=$(MINOR))

$(TOOLS)/testcluster: testcluster/main.go testcluster/go.mod testcluster/go.sum
	@$(STEP) "Kubernetes and etcd" "5 minutes" \
		$(GO) go -C testcluster $(BUILD) -ldflags "-s -w $(STAMP)" -o $(CURDIR)/$@ .

$(TOOLS)/kubectl: $(TOOLS)/testcluster
	ln -sf testcluster $@

$(TOOLS)/pause: testcluster/pause/main.go testcluster/go.mod
	@$(GO) go -C testcluster build -trimpath -ldflags "-s -w" -o $(CURDIR)/$@ ./pause

$(TOOLS)/coredns: testcluster/dns/main.go testcluster/dns/go.mod testcluster/dns/go.sum
	@$(STEP) "CoreDNS" "1 minute" \
		$(GO) go -C testcluster/dns $(BUILD) -ldflags "-s -w" -o $(CURDIR)/$@ .

HELM_VERSION := v3.22.0
# Unstamped, `helm template` takes every cluster for Kubernetes 1.20, which is too old for the chart.
HELM_STAMP = $(addprefix -X helm.sh/helm/v3/pkg/chartutil.k8sVersion,Major=$(MAJOR) Minor=$(MINOR))
# Named by all that goes into it: a helm that was built from anything else is built anew.
HELM_BUILD := $(TOOLS)/.helm-$(HELM_VERSION)-for-$(KUBERNETES)

$(HELM_BUILD):
	mkdir -p $(TOOLS) && rm -f $(TOOLS)/.helm-* && touch $@

$(TOOLS)/helm: $(HELM_BUILD)
	@$(STEP) "helm" "2 minutes" \
		$(INSTALL) -ldflags "-s -w $(HELM_STAMP)" helm.sh/helm/v3/cmd/helm@$(HELM_VERSION)
	touch $@

$(TOOLS)/helm-docs:
	@$(STEP) "helm-docs" "half a minute" $(INSTALL) github.com/norwoodj/helm-docs/cmd/helm-docs@v1.14.2

$(TOOLS)/krew:
	@$(STEP) "krew, which installs plugins of kubectl" "half a minute" $(INSTALL) sigs.k8s.io/krew/cmd/krew@v0.4.3

$(TOOLS)/validate-krew-manifest:
	@$(STEP) "what checks manifests for krew" "some seconds" \
		$(INSTALL) sigs.k8s.io/krew/cmd/validate-krew-manifest@v0.4.3

# Without the SDKs of all clouds in which it finds what to scrape, which take longer than all else.
PROMETHEUS := github.com/prometheus/prometheus/cmd
$(TOOLS)/prometheus:
	@$(STEP) "Prometheus" "2 minutes" $(INSTALL) -tags remove_all_sd $(PROMETHEUS)/prometheus@v0.316.0

$(TOOLS)/promtool:
	@$(STEP) "promtool, which tests alerts" "1 minute" $(INSTALL) -tags remove_all_sd $(PROMETHEUS)/promtool@v0.316.0

# Its CRDs of what our chart has for it; of the module nothing is built.
PROMETHEUS_OPERATOR := github.com/prometheus-operator/prometheus-operator@v0.85.0
$(TOOLS)/prometheus-operator-crds.yaml:
	@mkdir -p $(TOOLS)
	from=$$(go mod download -json $(PROMETHEUS_OPERATOR) | sed -n 's:^\t"Dir"\: "\(.*\)",$$:\1:p')/example/prometheus-operator-crd; \
	cat "$$from"/monitoring.coreos.com_podmonitors.yaml "$$from"/monitoring.coreos.com_prometheusrules.yaml > $@.new
	mv $@.new $@

# Argo CD and Flux as libraries, with the Kubernetes that both were written for.
$(TOOLS)/gitops: testcluster/gitops/main.go testcluster/gitops/go.mod testcluster/gitops/go.sum
	@$(STEP) "What Argo CD and Flux think of objects" "3 minutes" \
		$(GO) go -C testcluster/gitops $(BUILD) -ldflags "-s -w" -o $(CURDIR)/$@ .

# Flux's two controllers as they are, and their CRDs of the same modules: the file is named for all.
FLUX := source-controller kustomize-controller
$(TOOLS)/flux.yaml: testcluster/flux/go.mod testcluster/flux/go.sum
	@$(STEP) "Flux" "4 minutes" $(GO) go -C testcluster/flux $(BUILD) -ldflags "-s -w" \
		-o $(CURDIR)/$(TOOLS)/ $(addprefix github.com/fluxcd/,$(FLUX))
	cat $$(go -C testcluster/flux list -m -f '{{.Dir}}/config/crd/bases/*.yaml' $(addprefix github.com/fluxcd/,$(FLUX))) > $@.new
	mv $@.new $@

# With what its chart makes, of the same module: the file is named for both.
KUEUE := sigs.k8s.io/kueue
KUEUE_VERSION := v0.17.0
$(TOOLS)/kueue.yaml: $(TOOLS)/helm
	@$(STEP) "Kueue" "3 minutes" $(INSTALL) $(KUEUE)/cmd/kueue@$(KUEUE_VERSION)
	chart=$$(go mod download -json $(KUEUE)@$(KUEUE_VERSION) | sed -n 's:^\t"Dir"\: "\(.*\)",$$:\1:p')/charts/kueue; \
	$(TOOLS)/helm template kueue "$$chart" --namespace kueue-system > $@.new
	mv $@.new $@

$(TOOLS)/kwok:
	@$(STEP) "kwok, which plays nodes" "1 minute" $(INSTALL) sigs.k8s.io/kwok/cmd/kwok@v0.8.0

# program:package; one that is there already, from wherever, is left alone.
CLUSTER_DEPS := containerd:containerd runc:runc /usr/lib/cni/ptp:containernetworking-plugins \
	iptables:iptables ip:iproute2 unshare:util-linux buildah:buildah debootstrap:debootstrap
BROWSER := chromium:chromium

define APT
	@export PATH=$$PATH:/usr/sbin:/sbin; missing=; \
	for one in $(1); do command -v $${one%%:*} >/dev/null || missing+=" $${one##*:}"; done; \
	test -z "$$missing" && exit; \
	test "$$(id -u)" = 0 || { echo "make $@: only root can install$$missing (apt)" >&2; exit 1; }; \
	$(STEP) "Debian's packages for $(2)" "1 minute" env DEBIAN_FRONTEND=noninteractive bash -c \
		"apt-get update -q && apt-get install -q -y --no-install-recommends $$missing"
endef

cluster-deps: ## install what a node and images need (root)
	$(call APT,$(CLUSTER_DEPS),a node)

# Two at a time would wait for each other's lock.
browser: cluster-deps ## install Chromium, in which the page is tested (root)
	$(call APT,$(BROWSER),a browser)

testcluster: $(addprefix $(TOOLS)/,testcluster kubectl pause coredns helm) ## build Kubernetes for the test cluster

# Go's builds keep the processors busy, while packages and images wait for network and disk.
cluster: ## a cluster to try things on (root)
	@test "$$(id -u)" = 0 || { echo "make cluster: a node needs root; run this as root" >&2; exit 1; }
	@$(MAKE) --no-print-directory -j2 cluster-images cluster-programs
	$(PY) -m testcluster up

cluster-images: .venv/dev.done cluster-deps
	@$(PY) -m testcluster prepare

# One after another, whatever runs beside: two builds at once would only keep each other waiting, and
# make would begin them all before the images.
cluster-programs:
	@env -u MAKEFLAGS -u MFLAGS $(MAKE) -s testcluster $(TOOLS)/versitygw

cluster-down: ## remove that cluster
	$(PY) -m testcluster down

$(TOOLS)/kind:
	@$(STEP) "kind" "some seconds" $(INSTALL) sigs.k8s.io/kind@v0.33.0

# Theirs, where they have them.
kind: $(foreach one,helm kind,$(if $(shell command -v $(one)),,$(TOOLS)/$(one))) ## the same on kind: needs docker and kubectl (WORKER_BASE=an image with torch)
	PATH="$$PATH:$(CURDIR)/$(TOOLS)" WORKER_BASE="$(WORKER_BASE)" examples/kind/up.sh

# Bases: a name, nothing for the Dockerfiles' own, or `here` for one made without a registry.
images: .venv/dev.done cluster-deps ## build both images (root; OPERATOR_BASE=here WORKER_BASE=here)
	$(PY) -m testcluster images --operator-base="$(OPERATOR_BASE)" --worker-base="$(WORKER_BASE)"

demo: .venv/worker.done ## run the digits job here, with local storage
	.venv/bin/batchprocess run examples/digits/job.yaml $(ARGS)

generate: .venv/worker.done $(TOOLS)/helm-docs ## make CRD, JSON Schema and reference pages from the code
	$(PY) -m batchprocess.api.schema.generate
	$(PY) -m batchprocess_operator.conditions_page
	$(PY) -m batchprocess_operator.dashboard
	$(PY) -m reference
	$(TOOLS)/helm-docs --chart-search-root charts

verify: .venv/worker.done ## fail if one of them is not what the code says
	$(PY) -m batchprocess.api.schema.generate --check
	$(PY) -m batchprocess_operator.conditions_page --check
	$(PY) -m batchprocess_operator.dashboard --check
	$(PY) -m reference --check

lint: .venv/dev.done verify ## ruff, mypy strict, import-linter, generated files
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	.venv/bin/lint-imports

format: .venv/dev.done ## format and sort imports
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

# One after another, and a process for each, so that its cluster ends before the next one begins.
CLUSTER_TESTS := $(addprefix tests/system/,apiserver chart cluster)
E2E_TESTS := tests/system/e2e

test-fast: .venv/dev.done ## tests of one module each, without processes: a minute
	$(PY) -m pytest -q -n $(PROCESSES) --dist loadgroup -m "not slow and not full" --ignore=tests/system --ignore=tests/gpu

test-hostile: .venv/dev.done testcluster ## what a tenant may try, and what must hold then; part of make test too
	$(PY) -m pytest -q -m "hostile and not full" $(ARGS)

# Clusters mostly wait, and leave half of two processors idle. Pods have deadlines, and the tests
# beside them have not: so they are nicer, and get what is left. See tests/lanes.py.
test: ## lint, unit, explorer, real S3, kills, real Kubernetes (root)
	@$(MAKE) --no-print-directory -j2 test-needs
	@python3 -P tests/lanes.py lint
	@python3 -P tests/lanes.py test-e2e test-clusters:5 test-first:10

.PHONY: test-needs test-programs test-first test-clusters test-e2e
test-needs: .venv/dev.done $(if $(filter 0,$(shell id -u)),cluster-images browser) cluster-programs test-programs

test-programs: cluster-programs
	@env -u MAKEFLAGS -u MFLAGS $(MAKE) -s .cache/sbom/done $(addprefix $(TOOLS)/,helm-docs krew kwok prometheus prometheus-operator-crds.yaml promtool validate-krew-manifest)

test-first: .venv/dev.done
	$(PY) -m pytest -q -n $(PROCESSES) --dist loadgroup -m "not full" $(addprefix --ignore=,$(CLUSTER_TESTS) $(E2E_TESTS))

test-clusters: .venv/dev.done
	for part in $(CLUSTER_TESTS); do $(PY) -m pytest --timeout 900 -m "not full" $$part || exit; done

test-e2e: .venv/dev.done
	$(PY) -m pytest --timeout 900 -m "not full" $(E2E_TESTS)

# Its CRD, which a test of docs/pipelines.md asks; the module is not built.
ARGO := github.com/argoproj/argo-workflows/v3@v3.7.3
test-full: test .cache/airflow/done $(addprefix $(TOOLS)/,minio gitops flux.yaml kwok kueue.yaml) ## the long versions too
	GOFLAGS=-mod=mod go mod download $(ARGO)
	$(PY) -m pytest -q -m full --timeout 14400

lock: ## compile the hashed locks anew
	$(PY) -m uv pip compile -q --generate-hashes --no-header --no-emit-find-links --no-emit-index-url --python-version 3.11 requirements/bootstrap.in -o requirements/bootstrap.txt
	$(PY) -m uv pip compile -q --generate-hashes --no-header --no-emit-find-links --no-emit-index-url --python-version 3.11 requirements/audit.in -o requirements/audit.txt
	$(PY) -m uv pip compile -q --generate-hashes --no-header --no-emit-find-links --no-emit-index-url --python-version 3.11 requirements/sbom.in -o requirements/sbom.txt
	$(PY) -m uv pip compile -q --generate-hashes --no-header --no-emit-find-links --no-emit-index-url --python-version 3.11 requirements/airflow.in -o requirements/airflow.txt
	$(PY) -m uv pip compile -q --generate-hashes --no-header --no-emit-find-links --no-emit-index-url --python-version 3.11 --extra worker --extra cli --extra parquet --extra zstd --extra examples pyproject.toml -o requirements/worker.txt
	$(PY) -m uv pip compile -q --generate-hashes --no-header --no-emit-find-links --no-emit-index-url --python-version 3.11 --universal --extra cli --extra parquet --extra zstd pyproject.toml -c requirements/worker.txt -o requirements/worker-image.txt
	$(PY) -m uv pip compile -q --generate-hashes --no-header --no-emit-find-links --no-emit-index-url --python-version 3.11 --extra dev pyproject.toml -c requirements/worker.txt -o requirements/dev.txt
	$(PY) -m uv pip compile -q --generate-hashes --no-header --no-emit-find-links --no-emit-index-url --python-version 3.11 --extra operator pyproject.toml -c requirements/dev.txt -o requirements/operator.txt

# An environment of its own: what asks about packages is not to decide which there are.
.cache/audit/done: requirements/audit.txt
	test -x .cache/audit/bin/python || python3 -m venv .cache/audit
	.cache/audit/bin/python -m pip install -q --require-hashes -r requirements/audit.txt
	touch $@

$(TOOLS)/govulncheck:
	@$(STEP) "govulncheck" "half a minute" $(INSTALL) golang.org/x/vuln/cmd/govulncheck@v1.9.0

# Modules of ours, and those programs of others that are built here already.
GO_PROGRAMS := $(addprefix $(TOOLS)/,$(FLUX) helm helm-docs kind krew kueue kwok minio prometheus promtool validate-krew-manifest versitygw)
audit: .cache/audit/done $(TOOLS)/govulncheck ## ask for known faults of all dependencies (needs a network; ARGS=--strict)
	@python3 -P tests/audit.py $(ARGS) --pip-audit .cache/audit/bin/pip-audit \
		--govulncheck $(CURDIR)/$(TOOLS)/govulncheck \
		$(addprefix --go=,testcluster testcluster/dns testcluster/gitops $(wildcard $(GO_PROGRAMS))) \
		$(wildcard requirements/*.txt)

# An environment of its own, as above.
.cache/sbom/done: requirements/sbom.txt .venv/worker.done
	test -x .cache/sbom/bin/python || python3 -m venv .cache/sbom
	@$(STEP) "What writes bills of materials" "some seconds" \
		$(PY) -m uv pip install -q --python .cache/sbom/bin/python --require-hashes -r requirements/sbom.txt
	touch $@

dist: .cache/sbom/done .venv/dev.done $(TOOLS)/helm ## all files of a release into dist/ (HOME_URL=https://...; ARGS=--images: root)
	$(PY) -m release $(if $(HOME_URL),--homepage="$(HOME_URL)") $(ARGS)

vendor: .venv/dev.done ## fetch the page's libraries anew, as packages.json names them (npm; ARGS=--check)
	$(PY) -m release.vendor $(ARGS)

clean: ## remove the environment, the tools and all caches
	test ! -d .cache/cluster || $(PY) -m testcluster down
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# What docs/pipelines.md is tried in; it is large, and not part of make test.
.cache/airflow/done: requirements/airflow.txt .venv/worker.done
	test -x .cache/airflow/bin/python || $(PY) -m uv venv -q --python $(PY) .cache/airflow
	@$(STEP) "Airflow" "1 minute" \
		$(PY) -m uv pip install --python .cache/airflow/bin/python --require-hashes -r requirements/airflow.txt
	$(PY) -m uv pip install -q --python .cache/airflow/bin/python --no-deps -e .
	touch $@

bench-operator: .venv/dev.done testcluster $(TOOLS)/kwok ## measure the operator on a real control plane
	$(PY) -m benchmarks.operator_bench $(ARGS)

.PHONY: bench test-gpu
bench: .venv/dev.done $(TOOLS)/versitygw ## the batch loop against others, on a GPU, or on the CPU
	PATH=$(CURDIR)/$(TOOLS):$$PATH $(PY) benchmarks/gpu/run.py --out .cache/bench $(ARGS)

test-gpu: .venv/dev.done ## tests that need a CUDA GPU
	$(PY) -m pytest -q tests/gpu
