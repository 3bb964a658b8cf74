"""An OSError is the data's fault where it says so, else the machine's."""

import errno
import gzip
import http.client
import io
import socket
import ssl
import struct
import urllib.error
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from batchprocess.sdk.report.os_errors import Origin, chain_of, is_of_network, origin_of


def raised(call: Callable[[], object]) -> OSError:
    with pytest.raises(OSError) as caught:  # noqa: PT011  whatever it says
        call()
    return caught.value


def in_module(name: str, base: type[Exception], error: str = "Made") -> type[Exception]:
    return type(error, (base,), {"__module__": name})


def made_from(behind: BaseException, *, said: bool) -> OSError:
    """A plain OSError of user code, raised from another or while it was handled."""
    try:
        try:
            raise behind  # noqa: TRY301  handled below
        except BaseException as error:
            if said:
                raise OSError("no image") from error
            raise OSError("no image")  # noqa: B904  the case
    except OSError as made:
        return made


def test_pillow_speaks_of_the_image(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image")
    broken, cut = tmp_path / "broken.jpg", tmp_path / "cut.png"
    broken.write_bytes(b"no image at all")
    body = io.BytesIO()
    image.effect_noise((64, 64), 9).save(body, "png")
    cut.write_bytes(body.getvalue()[: body.tell() // 2])
    assert origin_of(raised(lambda: image.open(broken))) is Origin.DATA
    with image.open(cut) as opened:
        error = raised(opened.load)
    assert (type(error), error.errno, origin_of(error)) == (OSError, None, Origin.DATA)


def test_readers_of_archives_speak_of_the_file() -> None:
    assert origin_of(raised(lambda: gzip.decompress(b"nothing zipped"))) is Origin.DATA


@pytest.mark.parametrize("said", [True, False])
@pytest.mark.parametrize("behind", [zlib.error("x"), struct.error("x"), EOFError(), SyntaxError()])
def test_an_error_made_from_one_of_the_data_is_of_the_data(
    behind: BaseException, said: bool
) -> None:
    assert origin_of(made_from(behind, said=said)) is Origin.DATA


def test_an_error_made_from_one_of_the_machine_is_of_the_machine() -> None:
    assert origin_of(made_from(OSError(errno.EIO, "I/O error"), said=True)) is Origin.MACHINE
    assert origin_of(made_from(TimeoutError(), said=False)) is not Origin.DATA


@pytest.mark.parametrize(
    "text",
    [
        "image file is truncated (3 bytes not processed)",
        "Unable to synchronously open file (file signature not found)",
        "Corrupt snappy compressed data.",
        "Can't synchronously read data (inflate() failed)",
    ],
)
def test_compiled_readers_are_known_by_their_words(text: str) -> None:
    assert origin_of(OSError(text)) is Origin.DATA


@pytest.mark.parametrize(
    "error",
    [
        OSError("nothing is said"),
        OSError("Can't read data (file read failed: errno = 5, 'Input/output error', truncated)"),
        OSError("When reading 'truncated.jpg': AWS Error NETWORK_CONNECTION during GetObject"),
        OSError(errno.EIO, "Input/output error"),
        OSError(errno.ESTALE, "Stale file handle"),
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.ENOENT, "No such file"),
        ConnectionResetError("truncated"),
        TimeoutError("corrupt?"),
        socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
        ssl.SSLError(1, "decode error"),
        urllib.error.URLError("unrecognized"),
        in_module("requests.exceptions", OSError)("truncated"),
        in_module("huggingface_hub.errors", OSError)("corrupt"),
        in_module("mine", in_module("requests.exceptions", OSError))("truncated"),
    ],
    ids=str,
)
def test_everything_else_may_be_the_machine(error: OSError) -> None:
    assert origin_of(error) is not Origin.DATA


def test_errors_of_networks_are_known_also_where_they_are_no_os_errors() -> None:
    assert is_of_network(http.client.IncompleteRead(b""))
    assert is_of_network(in_module("google.api_core.exceptions", Exception)())
    assert not is_of_network(in_module("google.protobuf.message", Exception)("truncated"))
    assert not is_of_network(in_module("sslutils", OSError)())


def test_a_missing_file_is_the_datas_where_its_folder_has_others(tmp_path: Path) -> None:
    def missing(name: str) -> Origin:
        return origin_of(raised((tmp_path / name).read_bytes))

    assert missing("7.jpg") is Origin.MACHINE  # an empty folder: nothing is mounted there
    assert missing("images/7.jpg") is Origin.MACHINE
    (tmp_path / "6.jpg").write_bytes(b"")
    assert missing("7.jpg") is Origin.DATA
    assert missing("images/7.jpg") is Origin.MACHINE
    assert origin_of(raised(tmp_path.read_bytes)) is Origin.DATA  # a folder is no file
    refused = OSError(errno.EACCES, "Permission denied", str(tmp_path / "6.jpg"))
    assert origin_of(refused) is Origin.DATA


def test_a_chain_ends_also_where_it_is_a_circle() -> None:
    one, other = ValueError(), ValueError()
    one.__cause__, other.__cause__ = other, one
    assert len(list(chain_of(one))) < 100
