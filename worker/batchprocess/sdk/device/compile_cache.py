"""Compiled code kept with the run: the first attempt compiles, later ones load (ADR 0010).

Two objects: the artefacts, under a name that has their digest, then a create-only
`cache/<key>.json` that names them. Dying between the two leaves bytes that nobody reads; of two
attempts that compile at once the first to create the name wins, and either's bytes are right.
"""

import hashlib
import json
import logging
from collections.abc import Callable
from functools import cached_property
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict

from batchprocess.ledger.create import create
from batchprocess.ledger.effects import Flow, Get, Put
from batchprocess.runs.download import whole
from batchprocess.runs.patience import Patience
from batchprocess.runs.perform import perform
from batchprocess.sdk.background import BackgroundCall
from batchprocess.storage.base import Storage

_LOG = logging.getLogger("batchprocess")
_PATIENCE = Patience(30)


class CacheRecord(BaseModel):
    """`cache/<key>.json`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    v: int = 1
    object: str
    size: int
    sha256: str
    made_for: dict[str, str]


class CompileCache:
    """Loads once, stores once. Never fails the run: without it models are just compiled again.

    `made_for` describes what compiled code depends on.
    """

    def __init__(self, storage: Storage, made_for: Callable[[], dict[str, str]]) -> None:
        self._storage, self._describe = storage, made_for
        self._loaded = self._known = self._ready = False
        self._storing: BackgroundCall[None] | None = None

    @cached_property
    def _made_for(self) -> dict[str, str]:
        return self._describe()

    @cached_property
    def _key(self) -> str:
        text = json.dumps(self._made_for, sort_keys=True).encode()
        return f"cache/{hashlib.sha256(text).hexdigest()[:32]}"

    def load(self) -> None:
        """Give torch what an earlier attempt compiled, if it is there and whole."""
        if self._loaded:
            return
        self._loaded = True
        with _logging_errors("loaded"):
            body = perform(_get(f"{self._key}.json"), self._storage, _PATIENCE)
            if body is None:
                return
            self._known = True
            record = CacheRecord.model_validate_json(body)
            found = whole(self._storage, record.object, _PATIENCE)
            if hashlib.sha256(found).hexdigest() != record.sha256:
                _LOG.warning("%s is not what its record says: compiling anew", record.object)
                return
            torch.compiler.load_cache_artifacts(found)

    def note_compiled(self) -> None:
        """Something was compiled and has run."""
        self._ready = True

    def store_once(self) -> None:
        """Store what was compiled, in the background; called at every checkpoint, works once."""
        if self._ready and not self._known:
            self._known = True
            self._storing = BackgroundCall(self._store, "artefacts")

    def wait_until_stored(self) -> None:
        """Wait for the storing, so that a run's first process leaves them to the others."""
        if self._storing is not None:
            self._storing.result()

    def _store(self) -> None:
        with _logging_errors("kept"):
            made = torch.compiler.save_cache_artifacts()
            if made is None:
                return
            body = made[0]
            digest = hashlib.sha256(body).hexdigest()
            record = CacheRecord(
                object=f"{self._key}-{digest[:16]}.bin",
                size=len(body),
                sha256=digest,
                made_for=self._made_for,
            )
            # The bytes first: who finds the name must find them.
            perform(_put(record.object, body), self._storage, _PATIENCE)
            text = record.model_dump_json(indent=1).encode()
            perform(create(f"{self._key}.json", text), self._storage, _PATIENCE)


class _logging_errors:  # noqa: N801  used like a function
    """Turns what may go wrong with artefacts into a line of the log."""

    def __init__(self, done: str) -> None:
        self._done = done

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        # torch's compiler raises what it likes, and a run does not need what it keeps.
        if isinstance(error, Exception):
            _LOG.warning("compiled code could not be %s: %s", self._done, error)
            return True
        return False


def _get(key: str) -> Flow[bytes | None]:
    return (yield Get(key))  # type: ignore[no-any-return]


def _put(key: str, body: bytes) -> Flow[None]:
    yield Put(key, body)
