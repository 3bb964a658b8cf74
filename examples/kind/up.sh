#!/usr/bin/env bash
# A kind cluster with the operator, a worker image and an S3 server, to run examples/digits on: the
# commands of docs/install.md. Needs docker, kind, kubectl and helm. From the environment:
#   KIND_CLUSTER   the cluster's name (batchprocess)
#   KIND_CONFIG    a configuration for `kind create cluster`
#   WORKER_BASE    a torch image for Dockerfile.worker, instead of the one that it names
#   KIND_BUILD=no  both images are there already
set -euo pipefail
cd "$(dirname "$0")/../.."
cluster=${KIND_CLUSTER:-batchprocess}
operator=localhost/batchprocess/operator:test
worker=localhost/batchprocess/worker:test

for needed in docker kind kubectl helm; do
  command -v "$needed" >/dev/null || { echo "$0: $needed is not installed" >&2; exit 1; }
done
if [ "${KIND_BUILD:-yes}" != no ]; then
  docker build -f Dockerfile.operator -t "$operator" .
  docker build -f Dockerfile.worker ${WORKER_BASE:+--build-arg "BASE=$WORKER_BASE"} -t "$worker" .
fi
kind create cluster --name "$cluster" ${KIND_CONFIG:+--config "$KIND_CONFIG"} --wait 2m
kind load docker-image --name "$cluster" "$operator" "$worker"
# Whatever cluster is current by then: these go to the one just made.
context=kind-$cluster
helm install batchprocess charts/batchprocess-operator --kube-context "$context" \
  --namespace batchprocess-system --create-namespace --wait \
  --set image.repository="${operator%:*}" --set image.tag="${operator##*:}"
kubectl --context "$context" create secret generic s3-creds \
  --from-literal=AWS_ACCESS_KEY_ID=kind \
  --from-literal=AWS_SECRET_ACCESS_KEY="$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
kubectl --context "$context" apply -f examples/kind/s3.yaml
kubectl --context "$context" rollout status deployment/s3 --timeout 5m

cat <<END
The cluster runs. A job on it, to copy (\`kubectl get bpj -w\` shows it counting):

  kubectl config use-context $context
  kubectl create configmap digits --from-file=examples/digits
  kubectl apply -f examples/digits/cluster.yaml
  kubectl wait bpj digits --for=condition=Complete --timeout=5m

\`kind delete cluster --name $cluster\` ends everything, and takes the outputs with it.
END
