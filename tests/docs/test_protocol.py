"""docs/protocol.md, which strangers rely on, says of the wire what the code does."""

import re
from itertools import combinations

import pytest
from pydantic import BaseModel

from batchprocess.protocol import control, file_names, variables
from batchprocess.protocol.bad_rows import BadRow, bad_row, isolation
from batchprocess.protocol.dry_run import DryRunAnswer, DryRunFailure, InputChanges, Tried
from batchprocess.protocol.environment import InputSettings, S3Settings, WorkerEnvironment
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.exit_codes import LEAVES_SIBLINGS_RUNNING, ExitCode, combine
from batchprocess.protocol.inputs.blocks import (
    BLOCK_BYTES,
    VOID_BYTES,
    BlockCount,
    OpenPiece,
    begun_key,
    block_key,
    count_key,
    counts_key,
)
from batchprocess.protocol.inputs.listing import (
    MAX_PART_BYTES,
    InputListing,
    ListedPart,
    listed_part_key,
    listing_key,
)
from batchprocess.protocol.inputs.summary import (
    InputSummary,
    PackedHeads,
    SampleRow,
    UnreadableFile,
)
from batchprocess.protocol.json_values import MAX_COUNT
from batchprocess.protocol.progress import (
    INTERVAL_SECONDS,
    MAX_REPORT_BYTES,
    REPORTS_PATH,
    ProgressReport,
    ShardProgress,
)
from batchprocess.protocol.records import (
    MAX_INLINE_BYTES,
    MAX_RECORD_BYTES,
    Claim,
    Commit,
    CommittedFile,
    KeptBadRows,
    MetricEntry,
    ReducerEntry,
    Seal,
    data_prefix,
    record_key,
)
from batchprocess.protocol.rows.settings import RowSettings
from batchprocess.protocol.run import (
    Asked,
    AskedRows,
    ListedRows,
    ManifestRow,
    RunInfo,
    RunSeeds,
    RunShape,
    Seeds,
    SourceChange,
    Success,
    Summary,
)
from batchprocess.protocol.spent import Spent
from batchprocess.protocol.tables.statistics import FileStatistics
from batchprocess.protocol.tables.table_schema import SchemaColumn, TableSchema
from batchprocess.protocol.termination import MAX_MESSAGE_BYTES, Result, ShardEnd, Termination
from batchprocess.protocol.variables import PREFIX
from batchprocess.runs.probe import RACERS, ROUNDS
from batchprocess.runs.repeated_failures import FailureNote
from batchprocess.sdk.device import compile_cache
from batchprocess.sdk.setup import settings
from support.pages import columns, read_page, rows_of, section, table

PAGE = read_page("protocol.md")
MODELS: dict[str, type[BaseModel]] = {
    "run.json": RunInfo,
    "Asked": Asked,
    "Asked rows": AskedRows,
    "Listed rows": ListedRows,
    "Run seeds": RunSeeds,
    "Seeds": Seeds,
    "Run shape": RunShape,
    "Source change": SourceChange,
    "Inputs": InputListing,
    "Listed part": ListedPart,
    "Block count": BlockCount,
    "Open piece": OpenPiece,
    "File": CommittedFile,
    "File statistics": FileStatistics,
    "Schema": TableSchema,
    "Schema column": SchemaColumn,
    "Reducer value": ReducerEntry,
    "Kept bad rows": KeptBadRows,
    "Bad rows": BadRow,
    "Metric": MetricEntry,
    "Time spent": Spent,
    "manifest.jsonl": ManifestRow,
    "summary.json": Summary,
    "_SUCCESS": Success,
    "Compiled code": compile_cache.CacheRecord,
    "Input settings": InputSettings,
    "Row settings": RowSettings,
    "S3 settings": S3Settings,
    "The question of plan": DryRunAnswer,
    "Why there is no answer": DryRunFailure,
    "Input changes": InputChanges,
    "Input summary": InputSummary,
    "Sample row": SampleRow,
    "Unreadable file": UnreadableFile,
    "Packed heads": PackedHeads,
    "Tried": Tried,
    "Termination message": Termination,
    "Shard end": ShardEnd,
    "Repeated failures": FailureNote,
    "Result": Result,
    "Progress reports": ProgressReport,
    "Shard progress": ShardProgress,
    "Indexed": control.Indexed,
    "Raised by batch": isolation.RaisedByBatch,
    "Raised alone": isolation.RaisedAlone,
}
MESSAGES = (
    *(control.Hello, control.Beat, control.OtherSource, control.Claimed),
    *(control.Committed, control.Outcome, isolation.Isolate),
)
COMMON = Claim.model_fields.keys() & Seal.model_fields.keys() - {"type"}
ENVIRONMENT = {"job": "20260101T000000Z-x", "job_name": "j", "run_uri": "/r", "shards": 4}


def fields(heading: str, number: int = 0) -> list[tuple[str, ...]]:
    """Name, type and default of a table's fields."""
    return columns(table(PAGE, heading, number), 0, 1, 2)


@pytest.mark.parametrize("heading", MODELS)
def test_a_document_has_the_fields_that_its_table_has(heading):
    assert fields(heading) == rows_of(MODELS[heading])


def test_the_records_have_the_fields_that_their_tables_have():
    own = {"type", *COMMON}
    body = Commit.model_fields.keys() - own
    assert fields("Records") == rows_of(Claim, *(Claim.model_fields.keys() - COMMON))
    assert fields("Records", 1) == rows_of(Claim, *own)
    assert fields("Bodies") == rows_of(Commit, *own) == rows_of(Seal, *own, "outcome")
    assert fields("Outcome of a seal") == rows_of(Seal, *own, *body)
    kinds = {one.model_fields["type"].default for one in (Claim, Commit, Seal)}
    assert set(re.findall(r'[Aa] `"(\w+)"`', section(PAGE, "Records"))) == kinds


def test_every_message_on_the_control_socket_has_its_fields():
    rows = columns(table(PAGE, "Agent and child"), 0, 1, 2, 3)
    without_fields = (control.Ending, control.Stop)
    told = [
        (model.model_fields["type"].default, *row)
        for model in (*MESSAGES, control.Reduced)
        for row in rows_of(model, "type")
    ]
    bare = [
        (model.model_fields["type"].default, *row)
        for model in without_fields
        for row in rows_of(model)
    ]
    assert rows == [*told, *bare]
    every = {one.__name__ for one in control.Message.__origin__.__args__}
    assert every == {one.__name__ for one in (*MESSAGES, control.Reduced, *without_fields)}


def test_every_variable_of_a_worker_has_its_row_and_is_read_as_it_says():
    rows = fields("Environment of a worker")
    assert rows == [(PREFIX + name.upper(), *row) for name, *row in rows_of(WorkerEnvironment)]
    given = WorkerEnvironment(**ENVIRONMENT).to_env()
    for variable, kind, _ in rows:
        try:
            WorkerEnvironment.from_env(given | {variable: "{"})
            is_json = False
        except InvalidArgument as error:
            is_json = "must be JSON" in str(error)
        assert is_json != kind.startswith(("text", '"')), variable


def test_every_variable_that_has_a_name_in_the_code_has_its_row_and_no_other():
    named = {value for name, value in vars(variables).items() if name.isupper()}
    known = {PREFIX + name.upper() for name in WorkerEnvironment.model_fields}
    rows = {row[0] for row in table(PAGE, "Other variables")}
    assert rows - {"BATCHPROCESS_OPERATOR_..."} == named - known - {PREFIX}


def test_every_exit_code_has_its_row():
    rows = table(PAGE, "Exit codes")
    assert columns(rows, 0, 1) == [(str(int(code)), code.name) for code in ExitCode]


def test_the_order_of_codes_is_that_in_which_children_are_combined():
    text = " ".join(section(PAGE, "Exit codes").split())
    order = re.findall(r"0 if all are 0, else the first of ([\d, +n]+)\.", text)[0].split(", ")
    assert order == re.findall(
        r"first of ([\d, +n]+)", " ".join(read_page("exit-codes.md").split())
    )[0].rstrip(".").split(", ")
    codes = [137 if code == "128+n" else int(code) for code in order]
    assert all(combine(pair) == pair[0] for pair in combinations(codes, 2))
    unnamed = {int(code) for code in ExitCode} - {0, *codes}
    assert {combine([code]) for code in unnamed} == {1}
    left = re.findall(r"ends with ([\d, or]+) leaves its siblings running", text)[0]
    assert set(map(int, re.findall(r"\d+", left))) == LEAVES_SIBLINGS_RUNNING


def test_keys_are_made_as_the_page_shows_them():
    nonce = "<nonce>"
    shown = (
        (record_key(3, 7), "ledger/00003/00000007.json"),
        (listing_key("<source>"), "inputs/<source>/listing.json"),
        (listed_part_key("<source>", "<sha256>"), "inputs/<source>/objects-<sha256>.jsonl"),
        (f"{data_prefix(3, 8, nonce)}rows.jsonl", f"data/00003/00000008-{nonce}/rows.jsonl"),
        (
            file_names.table_key("rows.jsonl", 3, 8, nonce),
            f"tables/rows/00003-00000008-{nonce}.jsonl",
        ),
    )
    for made, written in shown:
        assert made == written
        assert f"`{written}`" in section(PAGE, "The run folder")
    block = "inputs/<source>/<kind>/"
    assert block_key("<source>", "<kind>", 7) == f"{block}00000007"
    assert count_key("<source>", "<kind>", 7) == f"{block}00000007.json"
    assert counts_key("<source>", "<kind>") == f"{block}counts"
    assert begun_key("<source>", "<kind>", 7, 0, 1) == f"{block}00000007.begun-0-1"
    kept = file_names.bad_rows_key(data_prefix(3, 8, nonce))
    assert kept == f"errors/00003/00000008-{nonce}.jsonl"
    assert file_names.failure_key(3, 12, "ab") == "ledger/00003/failed-12-ab.json"


@pytest.mark.parametrize(
    ("heading", "said"),
    [
        ("Parties and words", f"A *count* is an integer from 0 to {MAX_COUNT},"),
        ("Records", f"A record has at most {MAX_RECORD_BYTES:,} bytes"),
        ("Reducer value", f"at most {MAX_INLINE_BYTES} bytes"),
        ("Inputs", f"at most {MAX_PART_BYTES >> 20} MiB"),
        ("Blocks", f"followed by {VOID_BYTES} bytes"),
        ("Blocks", f"cut each {BLOCK_BYTES}."),
        ("Bad rows", f"a text of at most {bad_row.MAX_ID:,} characters"),
        ("Bad rows", f"where it comes from; at most {bad_row.MAX_FILE:,}"),
        ("Bad rows", f"class of the exception; at most {bad_row.MAX_TYPE}"),
        ("Bad rows", f"its beginning; at most {bad_row.MAX_MESSAGE:,}"),
        ("Bad rows", f"its end; at most {bad_row.MAX_TRACEBACK:,}"),
        ("Bad rows", f"behind the first {bad_row.MAX_TRACEBACKS:,}"),
        ("Bad rows", f"at most {bad_row.MAX_LINE_BYTES:,} bytes"),
        ("Names of files", f"1 to {file_names.MAX_PART_BYTES} bytes"),
        ("Names of files", f"at most {file_names.MAX_NAME_BYTES} bytes in all"),
        ("Termination message", f"at most {MAX_MESSAGE_BYTES:,} bytes"),
        ("Progress reports", f"`POST {REPORTS_PATH}`"),
        ("Progress reports", f"at most {MAX_REPORT_BYTES:,} bytes"),
        ("Progress reports", f"about every {INTERVAL_SECONDS:.0f} s"),
        (
            "Creating a key",
            f"{RACERS} racers create one key, {('no', 'one', 'two', 'three')[ROUNDS]} times",
        ),
        ("Environment of a worker", f"null: the call's, else {settings.DEFAULT_INTERVAL} |"),
    ],
)
def test_a_bound_is_the_one_that_the_code_has(heading, said):
    assert said in " ".join(section(PAGE, heading).split())


def test_the_tags_of_values_are_those_that_are_written():
    import numpy as np
    import torch

    from batchprocess.sdk.reduce.json_codec import to_json

    values = [(1,), b"", float("nan"), np.zeros(1), torch.zeros(1), {1: 2}]
    tags = [next(iter(to_json(value))) for value in values]
    rows = [row[0] for row in table(PAGE, "Reducers and metrics", 1)]
    assert [re.findall(r'\{"(\$\w+)"', row)[0] for row in rows] == tags
