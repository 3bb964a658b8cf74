"""The process that builds an index, so that the one that asks has no threads and connections.

It forks loader processes later. Stdin: a line of JSON, then nothing until the asker has gone;
stdout: lines of JSON about how far it is, and at last one about an error, if there was one.
"""

import json
import logging
import os
import secrets
import sys
import threading
from pathlib import Path

from batchprocess.data.index.build import build_index
from batchprocess.data.index.process import Question
from batchprocess.data.index.progress import Progress
from batchprocess.data.listing.in_run import InputOfRun
from batchprocess.protocol.errors import BatchProcessError
from batchprocess.runs.patience import ATTENDED


def main() -> int:
    """Build what stdin asks for, in the folder that the only argument names."""
    logging.basicConfig(format="batchprocess: %(message)s")
    # Ours alone: boto would tell of each client where it has found its credentials.
    logging.getLogger("batchprocess").setLevel(logging.INFO)
    question = Question.model_validate_json(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_asker, daemon=True).start()
    try:
        run = None
        if question.run is not None:
            run = InputOfRun(question.run, lambda: secrets.token_hex(16))
            run.begin()
        build_index(question.wanted, Path(sys.argv[1]), ATTENDED, run, Progress(_tell))
    except BatchProcessError as error:
        print(json.dumps({"error": type(error).__name__, "message": str(error)}))  # noqa: T201
        return 1
    return 0


def _tell(done: int, total: int) -> None:
    print(json.dumps({"indexed": done, "to_index": total}), flush=True)  # noqa: T201


def _end_with_asker() -> None:
    # Not by `sys.stdin`: the interpreter cannot end while a thread waits in there.
    while os.read(0, 1):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
