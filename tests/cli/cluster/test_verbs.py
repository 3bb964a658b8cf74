"""The verbs for clusters, as commands and as a plugin of kubectl."""

import subprocess
import sys

import pytest
from click.testing import CliRunner

from batchprocess.cli.cluster.verbs import kubectl
from batchprocess.cli.main import main


def test_the_plugin_has_the_verbs_and_the_program_has_them_too() -> None:
    verbs = list(kubectl.commands)
    assert verbs == ["submit", "get", "watch", "logs", "suspend", "resume", "retry", "cancel"]
    assert all(main.commands[verb] is kubectl.commands[verb] for verb in verbs)
    shown = CliRunner().invoke(kubectl, ["--help"], prog_name="kubectl batchprocess")
    assert "Usage: kubectl batchprocess [OPTIONS]" in shown.output


def test_every_verb_can_be_told_where_its_jobs_are() -> None:
    for verb in kubectl.commands.values():
        assert {"namespace", "context"} <= {one.name for one in verb.params}


@pytest.mark.slow
def test_help_loads_neither_kubernetes_nor_the_models() -> None:
    code = (
        "import sys; from click.testing import CliRunner; from batchprocess.cli.main import main;"
    )
    code += "r = CliRunner().invoke(main, ['watch', '--help']); assert 'Bars' in r.output;"
    code += "print([m for m in ('kubernetes', 'pydantic', 'rich', 'yaml') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
