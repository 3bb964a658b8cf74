"""What a source names, and what cannot be one."""

from pathlib import Path

import pytest

from batchprocess.data.index import sources
from batchprocess.data.index.sources import Source, parse_sources
from batchprocess.protocol.errors import InvalidArgument

KEYS = [
    "a.jsonl",
    "a.txt",
    "b/c.jsonl",
    "b/d/e.jsonl",
    "b/_tmp/f.jsonl",
    ".hidden.jsonl",
    "_SUCCESS",
    "x[1].jsonl",
    "x1.jsonl",
]


@pytest.mark.parametrize(
    ("glob", "found"),
    [
        ("*.jsonl", ["a.jsonl", "x[1].jsonl", "x1.jsonl"]),
        ("**/*.jsonl", ["a.jsonl", "b/c.jsonl", "b/d/e.jsonl", "x[1].jsonl", "x1.jsonl"]),
        ("b/**", ["b/c.jsonl", "b/d/e.jsonl"]),
        ("b/*/*", ["b/d/e.jsonl"]),
        ("?.txt", ["a.txt"]),
        ("x[12].jsonl", ["x1.jsonl"]),
        ("[!b].jsonl", ["a.jsonl"]),
        ("b/_*/*", ["b/_tmp/f.jsonl"]),
        (".*", [".hidden.jsonl"]),
        ("a?", []),
    ],
)
def test_a_glob_finds_what_a_shell_would_and_nothing_hidden(glob: str, found: list[str]) -> None:
    (source,) = parse_sources(f"s3://bucket/{glob}")
    assert [key for key in KEYS if key.startswith(source.prefix) and source.has(key)] == found


def test_a_folder_is_all_below_it_but_hidden_names() -> None:
    (source,) = parse_sources("s3://bucket/b/")
    assert [key for key in KEYS if key.startswith(source.prefix) and source.has(key)] == [
        "b/c.jsonl",
        "b/d/e.jsonl",
    ]


def test_addresses_and_paths_are_told_apart(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "odd[1].txt").touch()
    assert parse_sources(
        ["s3://b/k/x.txt", f"file://{tmp_path}/in", tmp_path / "in/odd[1].txt"]
    ) == [
        Source("s3://b", "k/x.txt", exact=True),
        Source(f"{tmp_path}/in", ""),
        Source(f"{tmp_path}/in/", "odd[1].txt", exact=True),
    ]
    assert parse_sources("x.txt") == [Source(".", "x.txt", exact=True)]
    assert parse_sources("*.txt") == [Source(".", "*.txt")]
    assert parse_sources("/data/a*/x.txt") == [Source("/data/", "a*/x.txt")]


def test_a_file_lists_sources(tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("\ufeffs3://b/x\n\n  s3://b/y/\r\n")
    assert parse_sources(f"@{listed}") == [
        Source("s3://b", "x", exact=True),
        Source("s3://b", "y/"),
    ]


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ([], "source is an empty list: name at least one"),
        ("", "source '' is no path and no address"),
        ([3], "source 3 is no path"),
        ("s3:///x", "names no bucket"),
        ("s3:/bucket/x", "source 's3:/bucket/x' is not understood"),
        ("https://host/x", "use s3://bucket/prefix/, or a path"),
        ("a\0b", "NUL"),
        ("@nowhere.txt", "source @nowhere.txt cannot be read: No such file"),
    ],
)
def test_what_is_none_is_refused_with_its_value(given: object, sentence: str) -> None:
    with pytest.raises(InvalidArgument) as raised:
        parse_sources(given)
    assert sentence in str(raised.value)


@pytest.mark.parametrize("character", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_a_listed_name_ends_at_a_line_feed_and_nowhere_else(tmp_path: Path, character: str) -> None:
    name = f"a{character}b.txt"
    (tmp_path / "list").write_text(f"{tmp_path}/{name}\r\n{tmp_path}/c.txt\n", newline="")
    assert [one.path for one in parse_sources(f"@{tmp_path}/list")] == [name, "c.txt"]


@pytest.mark.parametrize(("content", "sentence"), [(b"\n \n", "names nothing"), (b"\xff", "UTF-8")])
def test_a_list_that_cannot_be_one_is_refused(
    tmp_path: Path, content: bytes, sentence: str
) -> None:
    (tmp_path / "list").write_bytes(content)
    with pytest.raises(InvalidArgument, match=sentence):
        parse_sources(f"@{tmp_path}/list")


def test_a_list_has_so_many_bytes_and_no_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "list").write_bytes(b"a\nbc\n")
    monkeypatch.setattr(sources, "_MAX_LIST", 5)
    assert len(parse_sources(f"@{tmp_path}/list")) == 2
    monkeypatch.setattr(sources, "_MAX_LIST", 4)
    with pytest.raises(InvalidArgument, match="has more than 4 bytes: name folders"):
        parse_sources(f"@{tmp_path}/list")
