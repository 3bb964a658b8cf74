#!/usr/bin/env bash
# Runs the end-to-end tests on kind: builds both images, starts a cluster, deletes it at the end.
# Needs docker, kind and `make testcluster`; arguments go to pytest; WORKER_BASE is a torch image.
set -euo pipefail
cd "$(dirname "$0")/../../.."
cluster=batchprocess-e2e
folder=$(mktemp -d)
export KUBECONFIG=$folder/kubeconfig
trap 'kind delete cluster --name $cluster; rm -r "$folder"' EXIT

docker build -f Dockerfile.operator -t batchprocess/operator:e2e .
docker build -f Dockerfile.worker ${WORKER_BASE:+--build-arg "BASE=$WORKER_BASE"} \
  -t batchprocess/worker:e2e .
kind create cluster --config tests/system/e2e/kind.yaml --wait 2m
kind load docker-image --name $cluster batchprocess/operator:e2e batchprocess/worker:e2e
.cache/bin/helm upgrade --install batchprocess charts/batchprocess-operator --wait \
  --namespace batchprocess-system --create-namespace \
  --set image.repository=batchprocess/operator,image.tag=e2e,image.pullPolicy=Never

# The gateway of the network that kind's nodes are in is this machine, for the S3 server.
gateway=$(docker network inspect kind --format '{{range .IPAM.Config}}{{println .Gateway}}{{end}}' |
  grep -m1 -E '^[0-9.]+$')
BATCHPROCESS_E2E_KUBECONFIG=$KUBECONFIG BATCHPROCESS_E2E_IMAGE=batchprocess/worker:e2e \
  BATCHPROCESS_E2E_ADDRESS=$gateway .venv/bin/python -m pytest tests/system/e2e "$@"
