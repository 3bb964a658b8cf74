"""From a job to the manifests of its children. Pure."""
