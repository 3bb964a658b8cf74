"""What must hold of storage, read by code that knows nothing of the implementation."""

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

FOLLOWS = "f"
"""Ends the name of an attempt that goes on for the one of that name."""
TABLE = "rows.npy"
TYPES = {"A": "int8", "B": "int16"}
"""Of the one column of that table, by who saves it."""
FOREIGN = "tables/rows/00000-theirs.jsonl"
"""A file that somebody else has put into the folder of a table."""
Objects = Mapping[str, bytes]
Exits = tuple[tuple[str, int, int], ...]


class Violation(AssertionError):
    """A broken promise; `rule` is the checker that saw it."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(f"{rule}: {detail}")
        self.rule = rule


def records(objects: Objects) -> list[tuple[bytes, dict[str, Any]]]:
    """Stored bytes and content of shard 0's records, in order."""
    keys = sorted(key for key in objects if key.startswith("ledger/00000/"))
    return [(objects[key], json.loads(objects[key])) for key in keys]


def contiguous(objects: Objects, _: Exits) -> None:
    """Numbers have no gap, and each record names the digest of the one below."""
    prev = None
    for number, (body, record) in enumerate(records(objects), start=1):
        if record["seq"] != number or record["prev"] != prev:
            raise Violation("contiguous", f"record {number}: {record}")
        prev = hashlib.sha256(body).hexdigest()


def once(objects: Objects, _: Exits) -> None:
    """Every batch is in at most one commit, and in one if the shard is complete."""
    ends, sealed = 0, False
    for _body, record in records(objects):
        if sealed:
            raise Violation("nothing after a seal", str(record))
        if record["type"] == "commit":
            first, end = record["batches"]
            if first != ends or end <= first:
                raise Violation("once", f"batches {first} to {end} after {ends}")
            ends = end
        if record["type"] == "seal":
            sealed = True
            if record["outcome"] == "complete" and record["batches"] != [ends, ends]:
                raise Violation("once", f"sealed at {record['batches']}, committed {ends}")
        if record["cursor"] != ends:
            raise Violation("once", f"cursor {record['cursor']}, committed {ends}")


def files(objects: Objects, _: Exits) -> None:
    """Every file that a record names stands with its size and digest."""
    for _body, record in records(objects):
        kept = (record.get("bad_rows") or {}).get("object")
        for item in (*record.get("files", ()), *([kept] if kept else [])):
            body = objects.get(item["key"])
            if body is None:
                raise Violation("files", f"{item['key']} is missing")
            if (len(body), hashlib.sha256(body).hexdigest()) != (item["size"], item["sha256"]):
                raise Violation("files", f"{item['key']} was changed")


def bad_rows(objects: Objects, _: Exits) -> None:
    """What a record counts stands as its object says, and the shard's total with it."""
    total = 0
    for _body, record in records(objects):
        kept = record.get("bad_rows")
        if kept is None:
            if total and record["type"] != "claim" and record.get("outcome") != "abandoned":
                raise Violation("bad rows", f"{total} are forgotten: {record}")
            continue
        total += kept["count"]
        if kept["total"] != total:
            raise Violation("bad rows", f"{kept} after {total}")
        if kept["object"] is not None:
            lines = objects.get(kept["object"]["key"], b"").splitlines()
            rows = [json.loads(line)["row"] for line in lines]
            first, end = record["rows"]
            if len(rows) != kept["count"] or not all(first <= row < end for row in rows):
                raise Violation("bad rows", f"{kept} names {rows} of {record['rows']}")


def foreign(objects: Objects, _: Exits) -> None:
    """What somebody else has put beside our files is theirs."""
    if FOREIGN not in objects:
        raise Violation("foreign", f"{FOREIGN} was deleted")


def owner(objects: Objects, _: Exits) -> None:
    """The nearest claim below each commit or complete seal is of the same attempt."""
    claimed = None
    for _body, record in records(objects):
        if record["type"] == "claim":
            claimed = record["attempt"]
        elif record.get("outcome") != "abandoned" and record["attempt"] != claimed:
            raise Violation("owner", f"{record['attempt']} wrote under {claimed}'s claim")


def follows(objects: Objects, _: Exits) -> None:
    """Who goes on for another attempt stands above a record of that one, and of nobody else."""
    below = None
    for _body, record in records(objects):
        follows = record.get("follows")
        if follows is not None and follows != below:
            raise Violation("follows", f"{record} above {below}")
        below = record["attempt"]


def schemas(objects: Objects, _: Exits) -> None:
    """A record with files of a table goes by the schema that stands."""
    for _body, record in records(objects):
        for name, kept in record.get("schemas", {}).items():
            body = objects.get(f"schemas/{name}.json")
            if body is None or hashlib.sha256(body).hexdigest() != kept:
                raise Violation("schemas", f"record {record['seq']} goes by another than {body!r}")


def has_other_types(objects: Objects, name: str) -> bool:
    """Whether the run has a schema, and not that of this worker."""
    body = objects.get(f"schemas/{TABLE}.json")
    return body is not None and json.loads(body)["columns"][0]["type"] != TYPES[name[0]]


def codes(objects: Objects, exits: Exits) -> None:
    """Workers: 0 only with a complete seal; 87 only when a newer record of another exists."""
    stored = [record for _body, record in records(objects)]
    complete = any(record.get("outcome") == "complete" for record in stored)
    for name, start, code in exits:
        if name == "F" or name.startswith("L"):
            continue
        if code == 0 and not complete:
            raise Violation("exit 0", f"{name}{start} ended 0 without a complete seal")
        if code == 87:
            ours = (f"{name}{start}", f"{name}{start}{FOLLOWS}")
            own = [r["seq"] for r in stored if r["attempt"] in ours]
            newer = [r for r in stored if own and r["seq"] > own[-1]]
            if not newer:
                raise Violation("exit 87", f"{name}{start} was never fenced")
        if code == 90 and has_other_types(objects, name):
            continue
        if code not in (0, 87, 94):
            raise Violation("exit", f"{name}{start} ended {code}")


def manifest(objects: Objects, exits: Exits) -> None:
    """The manifest names exactly the committed files; a finalizer that ended 0 has finished."""
    if ("F", 0) in {(name, code) for name, _, code in exits} and "_SUCCESS" not in objects:
        raise Violation("manifest", "the finalizer ended 0 without _SUCCESS")
    if any(name == "F" and code != 0 for name, _, code in exits):
        raise Violation("manifest", f"the finalizer failed: {exits}")
    if "_SUCCESS" not in objects:
        return
    body = objects["manifest.jsonl"]
    if json.loads(objects["_SUCCESS"])["manifest"] != hashlib.sha256(body).hexdigest():
        raise Violation("manifest", "_SUCCESS names another manifest")
    named = {json.loads(line)["key"] for line in body.decode().splitlines()}
    kept = {item["key"] for _, r in records(objects) for item in r.get("files", ())}
    if named != kept:
        raise Violation("manifest", f"{sorted(named ^ kept)}")


def listing(objects: Objects, exits: Exits) -> None:
    """Parts of a listing stand as it names them, and all who listed read the same objects."""
    read = {code for name, _, code in exits if name.startswith("L")}
    if len(read) > 1:
        raise Violation("listing", f"attempts read {sorted(read)} objects")
    for key, body in objects.items():
        if not key.endswith("/listing.json"):
            continue
        for part in json.loads(body)["parts"]:
            stored = objects.get(
                f"{key.removesuffix('listing.json')}objects-{part['sha256']}.jsonl"
            )
            if stored is None or hashlib.sha256(stored).hexdigest() != part["sha256"]:
                raise Violation("listing", f"part {part} is not there")


ALL: tuple[Callable[[Objects, Exits], None], ...] = (
    contiguous,
    once,
    files,
    foreign,
    owner,
    follows,
    schemas,
    codes,
    manifest,
    listing,
    bad_rows,
)


def check(objects: Objects, exits: Exits) -> None:
    """Raise Violation for the first promise that is broken."""
    for checker in ALL:
        checker(objects, exits)
