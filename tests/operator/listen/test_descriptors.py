"""File descriptors, in a process of its own: a limit cannot be raised again."""

import subprocess
import sys

import pytest

CODE = """
import resource
from batchprocess_operator.listen.descriptors import raise_limit
resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))
print(raise_limit(), *resource.getrlimit(resource.RLIMIT_NOFILE))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("soft", "hard"), [(256, 700), (700, 700)])
def test_the_limit_is_raised_as_far_as_it_may_be(soft: int, hard: int):
    code = CODE.format(soft=soft, hard=hard)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["700", "700", "700"]
