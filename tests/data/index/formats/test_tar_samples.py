"""Samples of a tar: grouped, and everything that could lose a value refused."""

import io
import tarfile
from collections.abc import Iterable

import pytest

from batchprocess.data.index.formats import tar_samples
from batchprocess.data.index.formats.tar_samples import Sample, TarWalk
from batchprocess.protocol.errors import InvalidArgument


def packed(
    members: Iterable[tuple[str, bytes]], kind: int = tarfile.PAX_FORMAT, **fields: object
) -> bytes:
    """A tar of these files; `fields` are set of each."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=kind, errors="surrogateescape") as tar:
        for name, content in members:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            for field, value in fields.items():
                setattr(info, field, value)
            tar.addfile(info, io.BytesIO(content))
    return made.getvalue()


def samples(content: bytes) -> list[Sample]:
    return list(TarWalk(io.BytesIO(content), "a.tar"))


def contents(content: bytes) -> list[tuple[str, dict[str, bytes]]]:
    return [
        (one.key, {name: content[slice(*span)] for name, span in one.files.items()})
        for one in samples(content)
    ]


@pytest.mark.parametrize("kind", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_files_of_one_name_up_to_the_first_dot_are_a_sample(kind: int) -> None:
    long = "x/" * 60 + "ä"
    content = packed(
        [
            ("a/1.JPG", b"one"),
            ("a/._1.txt", b"hidden"),
            ("a/1.seg.png", b""),
            ("README", b"no extension"),
            ("b.c/1.jpg", b"x" * 2000),
            (f"{long}.txt", b"long"),
            ("./2.txt", b"two"),
        ],
        kind,
    )
    assert contents(content) == [
        ("a/1", {"jpg": b"one", "seg.png": b""}),
        ("b.c/1", {"jpg": b"x" * 2000}),
        (long, {"txt": b"long"}),
        ("./2", {"txt": b"two"}),
    ]


@pytest.mark.parametrize("kind", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_from_where_a_sample_begins_it_can_be_read_alone(kind: int) -> None:
    names = ["1.a", "1.b", "y" * 300 + ".a", "3.a"]
    content = packed([(name, name.encode()) for name in names], kind)
    found = samples(content)
    for number, one in enumerate(found):
        end = found[number + 1].begin if number + 1 < len(found) else one.end
        (alone,) = contents(content[one.begin : end])
        assert alone == contents(content)[number]


def test_folders_are_no_files() -> None:
    assert samples(packed([("a.b", b"")], type=tarfile.DIRTYPE)) == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (packed([("1.a", b""), ("1.A", b"")]), "row 0, '1.A', is there twice"),
        (packed([("1.__key__", b"")]), "row 0, '1.__key__', is there twice"),
        (packed([("0.a", b"")]) + b"", None),
        (packed([("1.a", b"")], type=tarfile.SYMTYPE, linkname="b"), "row 0, '1.a', is a link"),
        (packed([("1.a", b"")], type=tarfile.LNKTYPE, linkname="b"), "is a link"),
        (packed([("1.a", b"")], type=tarfile.FIFOTYPE), "is a link, a file with holes or a device"),
        (packed([("1\udcff.a", b"")], tarfile.GNU_FORMAT), "name that is not UTF-8"),
        (packed([("1.a", b"x" * 9)]), "at most 5 are allowed"),
        (b"", "is no tar file, or a damaged one"),
        (b"x" * 2048, "is no tar file, or a damaged one"),
        (packed([("y" * 3000 + ".a", b"")], tarfile.GNU_FORMAT), "a header has more than"),
    ],
)
def test_what_would_lose_a_value_is_refused(
    content: bytes, sentence: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sentence is None:
        assert len(samples(content)) == 1
        return
    if "at most 5" in sentence:
        monkeypatch.setattr(tar_samples, "MAX_SAMPLE", 5)
    if "a header" in sentence:
        monkeypatch.setattr(tar_samples, "MAX_HEADER", 2048)
    with pytest.raises(InvalidArgument, match=sentence) as raised:
        samples(content)
    assert str(raised.value).startswith("a.tar")


def test_a_size_below_zero_does_not_make_it_run_in_circles() -> None:
    content = bytearray(packed([("1.a", b"x"), ("2.a", b"y")], tarfile.GNU_FORMAT))
    content[124:136] = b"\xff" * 10 + b"\xfc\x00"  # -1024, in base 256
    header = content[:512]
    header[148:156] = b" " * 8
    content[148:156] = b"%06o\0 " % sum(header)
    with pytest.raises(InvalidArgument, match=r"a\.tar: is damaged: '1\.a' has -1024 bytes"):
        samples(bytes(content))


def test_a_file_that_ends_too_early_says_how_many_samples_are_whole() -> None:
    content = packed([("1.a", b""), ("2.a", b"x" * 5000), ("2.b", b"")])
    with pytest.raises(InvalidArgument, match=r"a\.tar is cut off: 1 samples before it are whole"):
        samples(content[:3000])


def test_a_sample_and_a_header_may_be_so_long_and_no_longer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A header and a byte; a long name's block of 3001 bytes is 3072.
    short, long = packed([("1.a", b"x")]), packed([("y" * 3000 + ".a", b"")], tarfile.GNU_FORMAT)
    for limit, content, size in (("MAX_SAMPLE", short, 513), ("MAX_HEADER", long, 3072)):
        with monkeypatch.context() as patch:
            patch.setattr(tar_samples, limit, size)
            assert len(samples(content)) == 1
            patch.setattr(tar_samples, limit, size - 1)
            with pytest.raises(InvalidArgument, match=f"{size - 1:,}"):
                samples(content)
