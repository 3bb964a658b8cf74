"""botocore's descriptions of S3, read once a process: every client would parse its own."""

import functools

import botocore.loaders
import botocore.session


def share_models() -> None:
    """From now on, sessions of this process share one loader; what it has read never changes."""
    loader = functools.cache(botocore.loaders.create_loader)
    botocore.session.create_loader = loader
