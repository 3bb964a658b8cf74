"""Commands for jobs on a cluster: thin over `batchprocess.client`."""
