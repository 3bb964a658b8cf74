"""The machine that a cluster runs on: its processes, namespaces, cgroups and network."""
