"""The session-wide clusters."""

from support.clusters import cluster, control_plane

__all__ = ["cluster", "control_plane"]
