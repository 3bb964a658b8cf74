"""Commands called in this process or another, on a local folder and on a real S3 server."""

from support.commands import batchprocess
from support.storage.s3_stores import gateway, job_folder
from system.scripts.conftest import script

__all__ = ["batchprocess", "gateway", "job_folder", "script"]
