"""`python -m benchmarks.operator_bench`: the operator under load on a real control plane."""
