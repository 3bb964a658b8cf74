"""What the client and the operator both know of a cluster, so that neither has a second copy.

No requests: the client makes its own, which wait, and the operator its own, which do not.
"""
