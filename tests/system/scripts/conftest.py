"""Runs in this process, and of scripts in processes of their own."""

from support.script_runs import alone, script

__all__ = ["alone", "script"]
