"""What a child is told of the source that it is started with."""

from pathlib import Path

from batchprocess.files_digest import folder_digest
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.variables import SOURCE_DIGEST


def source_variables(environment: WorkerEnvironment) -> dict[str, str]:
    """The digest of what stands in the folder of `spec.source` now, as a variable.

    Looked at right before the child is started: it may load for minutes before its claim, and the
    kubelet may bring another source meanwhile, which is not what it has imported.
    """
    if environment.source_folder is None:
        return {}
    found = folder_digest(Path(environment.source_folder))
    return {} if found is None else {SOURCE_DIGEST: found}
