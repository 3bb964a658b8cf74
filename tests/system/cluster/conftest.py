"""The session-wide clusters."""

from support.kube.clusters import cluster, control_plane, operator_image, worker_image

__all__ = ["cluster", "control_plane", "operator_image", "worker_image"]
