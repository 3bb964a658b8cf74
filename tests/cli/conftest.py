"""Commands called in this process or another, on a local folder and on a real S3 server."""

from support.commands import batchprocess
from support.script_runs import script
from support.storage.s3_stores import gateway, job_folder

__all__ = ["batchprocess", "gateway", "job_folder", "script"]
