"""What can go wrong with a test cluster, in sentences."""


class ClusterError(RuntimeError):
    """The cluster could not be started, used or removed; the message says why and what to do."""
