"""A BatchProcessJob as it is kept between passes: what is read of it, as text, and bounded. Pure.

What a tenant may write into one object takes up to 25 MiB as Python values, and little of it is
read. So of an object are kept the few fields that are looked at without a pass over the job, and
spec and status as JSON; what is too large or too deep for any job is replaced by a sentence.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from batchprocess.api.environment import check_hparams, check_hparams_size
from batchprocess.protocol.errors import InvalidArgument
from batchprocess_operator.kube import deep_json
from batchprocess_operator.observe.job_figures import Figures, figures_of

MAX_SPEC = 256 * 1024
MAX_STATUS = 1 << 20
_MAX_LEVELS = 200
_META = (
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
)
_BEGUN = frozenset({"Queued", "Running", "Suspended", "Finalizing"})


@dataclass(frozen=True, slots=True)
class StoredJob:
    """One version of the object. `text`: its JSON, with metadata and spec of what is kept.

    `refusal`: why no such job can run, whoever reads it. `unreadable`: why we do not read it.
    """

    namespace: str
    name: str
    uid: str
    version: int
    deleting: bool
    state: str | None
    shards: int
    processes_per_worker: int
    text: bytes
    figures: Figures
    refusal: str = ""
    unreadable: str = ""

    def unpacked(self) -> dict[str, Any]:
        """The object, as far as it is kept."""
        found: dict[str, Any] = deep_json.loads(self.text)
        return found


def stored_job(raw: Mapping[str, Any]) -> StoredJob:
    """From the object as the API server sends it."""
    meta = {key: raw["metadata"][key] for key in _META if key in raw["metadata"]}
    status = _status(raw.get("status"))
    spec, refusal = _without_refused_hparams(raw.get("spec") or {})
    unreadable = _why_unreadable(spec, begun=status.get("state") in _BEGUN)
    if unreadable:
        spec = {}
    each = (spec.get("worker") or {}).get("processesPerWorker", 1)
    return StoredJob(
        namespace=meta["namespace"],
        name=meta["name"],
        uid=meta["uid"],
        version=int(meta["resourceVersion"]),
        deleting="deletionTimestamp" in meta,
        state=status.get("state"),
        shards=spec.get("shards", 1),
        processes_per_worker=each,
        text=deep_json.dumps({"metadata": meta, "spec": spec, "status": status}),
        figures=figures_of(meta, spec, status),
        refusal=refusal,
        unreadable=unreadable,
    )


def _status(status: Any) -> dict[str, Any]:
    """As last written by us; an empty one for what nobody of us has written."""
    if not isinstance(status, dict) or _is_deep(status):
        return {}
    return status if len(deep_json.dumps(status)) <= MAX_STATUS else {}


def _without_refused_hparams(spec: dict[str, Any]) -> tuple[dict[str, Any], str]:
    hparams = spec.get("hparams") or {}
    try:
        # First, and in the shortest spelling: what is larger is not to be looked at again.
        check_hparams_size(len(deep_json.dumps(hparams)))
        check_hparams(hparams)
    except InvalidArgument as error:
        return {**spec, "hparams": {}}, str(error)
    return spec, ""


def _why_unreadable(spec: Mapping[str, Any], *, begun: bool) -> str:
    """Empty for what is read. A job that is under way was read when it began."""
    if _is_deep(spec):
        return f"spec: it has more than {_MAX_LEVELS} lists and dicts in each other"
    size = len(deep_json.dumps(spec))
    if size > MAX_SPEC and not begun:
        return (
            f"spec has {size} bytes as JSON and may have {MAX_SPEC}: put what is large into files "
            "of your image, or into a ConfigMap that worker.template mounts"
        )
    return ""


def _is_deep(value: Any) -> bool:
    """Whether there are more levels than anybody needs; without a call for each of them."""
    level = [value]
    for _ in range(_MAX_LEVELS):
        level = [below for one in level for below in _below(one)]
        if not level:
            return False
    return True


def _below(value: Any) -> Iterable[Any]:
    match value:
        case dict():
            return value.values()
        case list():
            return value
    return ()
