"""Scripts without a main guard: every process that `spawn` starts would run the whole job again."""

from batchprocess.protocol.errors import InvalidArgument
from batchprocess.sdk.input.queues.multiprocessing_private import is_starting_child
from batchprocess.sdk.report.uncaught import print_plainly_if_uncaught


def refuse_call_of_starting_child(function: str) -> None:
    """Raise InvalidArgument in a child that reads its parent's script, and so calls `function`."""
    if not is_starting_child():
        return
    error = InvalidArgument(
        f"{function} was called while multiprocessing (spawn, forkserver) read this script for a "
        'child process: put the call below `if __name__ == "__main__":`, which is not true there'
    )
    print_plainly_if_uncaught(error, reported=False)
    raise error
