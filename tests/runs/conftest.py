"""Runs on a local folder and on a real S3 server, seen by commands called in this process."""

from support.commands import batchprocess
from support.storage.s3_stores import gateway, job_folder

__all__ = ["batchprocess", "gateway", "job_folder"]
