"""`python -m batchprocess_operator`: watch BatchProcessJobs and run them. Crash-only.

Settings come from BATCHPROCESS_OPERATOR_* (see `settings.py`, or --help). Any part that ends ends
the process; whoever runs it starts it again, and nothing is lost by that.
"""

import argparse
import asyncio
import logging
import os
import sys

from batchprocess_operator.kube.errors import ApiError, NotFound
from batchprocess_operator.log_format import PlainFormatter
from batchprocess_operator.settings import OperatorSettings, SettingsError, variable_of


def main() -> int:
    """Run until a signal comes; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m batchprocess_operator",
        description="Runs BatchProcessJobs: watches them, makes their Jobs, tells their progress.",
        epilog=_variables(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.parse_args()
    try:
        settings = OperatorSettings.from_env(os.environ)
    except SettingsError as error:
        parser.error(str(error))
    handler = logging.StreamHandler()
    handler.setFormatter(PlainFormatter())
    logging.basicConfig(level=settings.log_level, handlers=[handler])
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    from batchprocess_operator.app import run_operator

    try:
        asyncio.run(run_operator(settings))
    except NotFound as error:
        print(f"{error}: is the CRD installed?", file=sys.stderr)
        return 1
    except (ApiError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _variables() -> str:
    lines = ["environment:"]
    for name, field in OperatorSettings.model_fields.items():
        default = "" if field.default in (None, ()) else f" (default: {field.default})"
        lines.append(f"  {variable_of(name)}\n      {field.description}{default}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
