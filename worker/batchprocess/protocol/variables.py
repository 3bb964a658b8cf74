"""Names of the environment variables by which processes of ours talk, each once.

A field of `WorkerEnvironment` has the variable PREFIX and its name in capitals. Named here are
those that somebody sets or reads by itself, and those that are no field.
"""

PREFIX = "BATCHPROCESS_"
"""Of all of them; users may not set such a variable for a pod."""

ROLE = f"{PREFIX}ROLE"
INDEX = f"{PREFIX}INDEX"
SHARD = f"{PREFIX}SHARD"
SOURCE_DIGEST = f"{PREFIX}SOURCE_DIGEST"
NODE = f"{PREFIX}NODE"
RUN_URI = f"{PREFIX}RUN_URI"
PROGRESS_FD = f"{PREFIX}PROGRESS_FD"
PROGRESS_URL = f"{PREFIX}PROGRESS_URL"
PROGRESS_CA = f"{PREFIX}PROGRESS_CA"
PROGRESS_TOKEN_FILE = f"{PREFIX}PROGRESS_TOKEN_FILE"

CONTROL_FD = f"{PREFIX}CONTROL_FD"
"""Number of the child's end of the control socket (`control.py`). Set by the agent."""
SCRATCH = f"{PREFIX}SCRATCH"
"""Folder for temporary files, removed by whoever set it: a killed process removes nothing."""
PLAN = f"{PREFIX}PLAN"
"""The question of `batchprocess plan` (`dry_run.py`)."""
PLAN_RUN = f"{PREFIX}PLAN_RUN"
"""Address of the run whose input the answer is to be compared with."""
OUTPUT = f"{PREFIX}OUTPUT"
"""Where a script that runs alone puts its runs. Set by a person."""
