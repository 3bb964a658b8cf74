"""Commands called in this process. A conftest.py names the fixture `batchprocess` to have it."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from click.testing import CliRunner

from batchprocess.cli.main import main


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.out)
        return read


Command = Callable[..., Said]


@pytest.fixture
def batchprocess() -> Command:
    def call(*arguments: object, answer: str = "") -> Said:
        done = CliRunner().invoke(main, [str(one) for one in arguments], input=answer)
        assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
        return Said(done.exit_code, done.stdout, done.stderr)

    return call
