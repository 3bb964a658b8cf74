"""`python -m batchprocess_operator`: watch BatchProcessJobs and run them. Crash-only.

Settings come from BATCHPROCESS_OPERATOR_* or arguments (see `settings.py`, or --help). Any part
that ends ends the process; whoever runs it starts it again, and nothing is lost by that.
"""

import argparse
import asyncio
import logging
import os
import sys

from batchprocess_operator.kube.errors import ApiError, NotFound
from batchprocess_operator.log_format import formatter
from batchprocess_operator.settings import OperatorSettings, SettingsError, option_of, variable_of


def main() -> int:
    """Run until a signal comes; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m batchprocess_operator",
        description="Runs BatchProcessJobs: watches them, makes their Jobs, tells their progress.",
        allow_abbrev=False,
        epilog="An argument counts more than the environment variable that its text names.",
    )
    for name, field in OperatorSettings.model_fields.items():
        default = "" if field.default in (None, ()) else f" Default: {field.default}."
        parser.add_argument(
            option_of(name),
            dest=variable_of(name),
            metavar="VALUE",
            help=f"{field.description}{default} [{variable_of(name)}]",
        )
    arguments = vars(parser.parse_args())
    try:
        settings = OperatorSettings.from_env(os.environ, arguments)
    except SettingsError as error:
        parser.error(str(error))
    handler = logging.StreamHandler()
    handler.setFormatter(formatter(settings.log_format))
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


if __name__ == "__main__":
    sys.exit(main())
