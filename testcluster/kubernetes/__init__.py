"""The parts of Kubernetes: control plane, nodes, clients."""
