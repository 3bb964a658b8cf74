"""Why the API server does not take a child: reasons that conditions give and decisions turn on."""

NAME_CONFLICT = "NameConflict"
"""Another's object has our child's name."""
JOB_REJECTED = "JobRejected"
"""The API server does not take the child's manifest, and never will."""
NOT_ALLOWED = "NotAllowed"
"""RBAC, a quota or an admission policy refused the child."""
