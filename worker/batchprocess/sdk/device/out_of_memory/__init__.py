"""When a model does not fit into the GPU's memory: which batch would, and running it in parts."""
