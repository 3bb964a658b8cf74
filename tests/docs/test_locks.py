"""What the pages have people run works in the environment that `make demo` makes."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def test_the_demos_environment_can_save_parquet() -> None:
    assert '.save("doubled.parquet"' in (ROOT / "README.md").read_text()
    assert re.search(r"^pyarrow==", (ROOT / "requirements" / "worker.txt").read_text(), re.M)
    assert "[cli,parquet]" in (ROOT / "Dockerfile.worker").read_text()


def test_the_demos_environment_can_read_safetensors_back() -> None:
    assert "| `.safetensors` |" in (ROOT / "docs" / "saving.md").read_text()
    assert re.search(r"^safetensors==", (ROOT / "requirements" / "worker.txt").read_text(), re.M)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_has_a_hash_for_every_pin_and_names_no_registry(lock: Path) -> None:
    text = lock.read_text()
    pins = re.findall(r"^[\w.-]+(?:\[[\w,-]+\])?==.*?(?=^\S|\Z)", text, re.M | re.S)
    assert pins
    assert [pin for pin in pins if "--hash=sha256:" not in pin] == []
    assert not re.search(r"://|^--", text, re.M)
