"""What pages, comments and docstrings call a place of this repository is one."""

import ast
import importlib
import io
import re
import subprocess
import tokenize
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

ROOT = Path(__file__).parents[2]
_LISTED = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
FILES = [name for name in _LISTED.stdout.split("\n") if name and (ROOT / name).exists()]
FOLDERS = {str(folder) for name in FILES for folder in PurePosixPath(name).parents}
MODULES = [name for name in FILES if name.endswith(".py")]
PAGES = [name for name in FILES if name.endswith(".md") and "/results/" not in name]
TOP = "tests|worker|operator|docs|charts|crds|benchmarks|examples|testcluster|requirements"
NOT_OURS = {
    # Of users, of the standard library.
    *("classify.py", "lengths.py", "tax.py", "queue.py", "socket.py", "sslproto.py"),
    # Of a run.
    *("data/", "cache/", "schemas/", "tables/", "tensorboard/"),
    *("tables/embeddings/", "tables/rows.ids/", "_delta_log/"),
}
SETTINGS = ("Makefile", ".importlinter", "pyproject.toml")


@cache
def text_of(name: str) -> str:
    """A page, or what is for people in a module: comments and docstrings."""
    source = (ROOT / name).read_text()
    if not name.endswith(".py"):
        return source
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    said = [token.string for token in tokens if token.type == tokenize.COMMENT]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            said.append(str(node.value.value))
    return "\n".join(said)


@cache
def names_in(module: str) -> frozenset[str]:
    """Everything that a module defines, or reads of an object."""
    found: set[str] = set()
    for node in ast.walk(ast.parse((ROOT / module).read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
    return frozenset(found)


def ends_one_of(path: str, places: Iterable[str]) -> bool:
    """Whether whole parts of a place end in `path`; `...` stands for any parts."""
    pattern = re.escape(path).replace(re.escape("..."), ".*")
    return any(re.search(rf"(^|/){pattern}$", place) for place in places)


def is_there(path: str) -> bool:
    """A path from the root on: a file, a folder, a pattern of either, or an ADR by its number."""
    given = path.rstrip("/")
    globs = re.sub(r"<[^>]*>|\.\.\.", "*", f"{given}*" if "/adr/" in path else given)
    return given in FOLDERS or given in FILES or any(ROOT.glob(globs))


def place_of(module: str) -> str:
    """The dotted name of a module of worker or operator."""
    inner = module.partition("/")[2].removesuffix(".py").removesuffix("/__init__")
    return inner.replace("/", ".")


PLACES = {place_of(name): name for name in MODULES if name.startswith(("worker/", "operator/"))}
WORDS = {part for place in PLACES for part in place.split(".")[1:]}


def resolves(name: str) -> bool:
    """Whether `sdk.loop.Loop` or the like is a module of ours and what stands in it."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        module, rest = ".".join(parts[:length]), parts[length:]
        for place, file in PLACES.items():
            if f".{place}".endswith(f".{module}") and names_in(file).issuperset(rest):
                return True
    return False


def imports(dotted: str) -> bool:
    """Whether it is a module, or what can be had from one."""
    module, _, name = dotted.rpartition(".")
    try:
        importlib.import_module(dotted)
    except ModuleNotFoundError:
        return "." in dotted and imports(module) and hasattr(importlib.import_module(module), name)
    return True


def found(pattern: str, *names: str) -> Iterator[tuple[str, Any]]:
    """Page or module, and what it says there."""
    for name in names:
        for said in re.findall(pattern, text_of(name)):
            yield name, said


def test_a_module_that_is_named_is_there() -> None:
    said = found(r"(?<![\w/.-])[\w./-]*\w\.py\b", *PAGES, *MODULES)
    assert [one for one in said if one[1] not in NOT_OURS and not ends_one_of(one[1], FILES)] == []


def test_a_folder_that_is_named_is_there() -> None:
    said = found(r"`((?:[a-z_]+/)+)`", *PAGES, *MODULES)
    wrong = [one for one in said if not ends_one_of(one[1].rstrip("/"), FOLDERS)]
    assert [one for one in wrong if one[1] not in NOT_OURS] == []


def test_a_path_from_the_root_leads_somewhere() -> None:
    said = found(rf"(?<![\w/.-])(?:{TOP})/[\w./*<>-]*", *PAGES, *MODULES, *SETTINGS)
    assert [one for one in said if not is_there(one[1].rstrip(".,"))] == []


def test_a_full_dotted_name_can_be_imported() -> None:
    said = found(
        r"(?<![\w-])(?:batchprocess|batchprocess_operator)(?:\.\w+)+", *PAGES, *MODULES, *SETTINGS
    )
    # The API's group, a file of a release, types of events.
    others = ("batchprocess.dev", "batchprocess.yaml", "batchprocess.job")
    names = {one for one in said if not one[1].startswith(others)}
    assert [one for one in sorted(names) if not imports(one[1])] == []


def test_a_short_dotted_name_in_a_comment_is_one_of_ours() -> None:
    said = found(r"`([a-z_]+(?:\.\w+)+)(?:\(\))?`", *PLACES.values())
    ours = [one for one in said if one[1].partition(".")[0] in WORDS]
    files = (".py", ".json")
    assert [one for one in ours if not resolves(one[1]) and not one[1].endswith(files)] == []


def test_every_target_that_make_is_given_is_one() -> None:
    makefile = (ROOT / "Makefile").read_text()
    said = found(r"(?:`|^|\n)(?:\$ )?make ([a-z][\w-]*)[` \n]", *PAGES)
    wrong = [one for one in said if not re.search(rf"^{one[1]}[: ]", makefile, re.MULTILINE)]
    assert [one for one in wrong if one[1] != "target"] == []


def test_a_section_of_the_protocol_that_is_cited_is_there() -> None:
    headings = re.findall(r"^#+ (?:\d+\. )?(.+)$", text_of("docs/protocol.md"), re.MULTILINE)
    said = found(r'docs/protocol\.md,\s+"([^"]+)"', *PAGES, *MODULES)
    assert [one for one in said if " ".join(one[1].split()) not in headings] == []


def test_an_anchor_is_that_of_a_heading() -> None:
    for name, (target, anchor) in found(r"\]\(([^)#\s:]*)#([^)\s]+)\)", *PAGES):
        page = (ROOT / name).parent / target if target else ROOT / name
        headings = re.findall(r"^#+ (.+)$", page.read_text(), flags=re.MULTILINE)
        anchors = [re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings]
        assert anchor in anchors, f"{name}: {target}#{anchor}"
