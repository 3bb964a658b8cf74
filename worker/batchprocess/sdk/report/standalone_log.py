"""What a script logs by itself, above all when run alone: a person has nothing else to go by."""

import logging

from batchprocess.protocol.run import SourceChange, Summary

_LOG = logging.getLogger("batchprocess")


def log_to_stderr() -> None:
    """Have our information read on stderr, unless the script has set up logging itself."""
    if logging.getLogger().handlers or _LOG.handlers:
        return
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("batchprocess: %(message)s"))
    _LOG.addHandler(handler)
    if _LOG.level == logging.NOTSET:
        _LOG.setLevel(logging.INFO)


def log_beginning(uri: str, shard: int, cursor: int, total: int) -> None:
    """A new run, or from where an old one goes on."""
    if cursor:
        _LOG.info("shard %d goes on: %d of %d batches are committed; %s", shard, cursor, total, uri)
    else:
        _LOG.info("shard %d begins: %d batches; %s", shard, total, uri)


def warn_of_dropped_result() -> None:
    """Results that user code returns are not in the run, which ends well all the same."""
    _LOG.warning(
        "process_batch returned something, and nobody takes what it returns: hand results over by "
        "context.save(name, rows), or return nothing"
    )


def warn_that_commands_differ(shard: int) -> None:
    """Under an agent: the rows of two commands in one run may be no result of either."""
    _LOG.warning(
        "shard %d: the job's command is not the one that this run was started with; batches "
        "that are committed stay as they are",
        shard,
    )


def warn_that_sources_differ(shard: int, change: SourceChange) -> None:
    """Under an agent: rows by the code that the run was begun with stand beside others."""
    _LOG.warning(
        "shard %d: the ConfigMap of spec.source was changed since the run was begun (digest %s, "
        "now %s); batches that are committed stay as they are",
        *(shard, change.first[:12], change.now[:12]),
    )


def log_that_others_go_on(uri: str, shard: int) -> None:
    """Ours is sealed; whoever seals the last one finishes the run."""
    _LOG.info("shard %d is complete, others are not yet; %s", shard, uri)


def log_summary(uri: str, summary: Summary) -> None:
    """The run is final: what it has, and where."""
    for name, value in summary.metrics.items():
        _LOG.info("metric %s: %s", name, value)
    if summary.metricsError is not None:
        _LOG.warning("metrics failed: %s", summary.metricsError)
    _LOG.info(
        "run %s is complete: %d rows, %d files; outputs: %s",
        *(summary.runId, summary.rows, summary.files, uri),
    )
