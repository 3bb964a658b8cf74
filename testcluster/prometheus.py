"""Prometheus itself, that scrapes one address every second."""

import functools
import json
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from testcluster.errors import ClusterError
from testcluster.machine.ports import answers, free_port
from testcluster.machine.programs import Program, Programs
from testcluster.tools import built

_SECONDS = 30


@dataclass(frozen=True)
class Prometheus:
    """A running one, and what it answers."""

    address: str

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What an expression gives now: series, each with `metric` and `value`."""
        return list(self._ask("query", query=expression)["result"])

    def query_range(self, expression: str, start: float, end: float, step: float) -> Any:
        """What it has given between two times in seconds since 1970: `metric` and `values`."""
        times = {"start": str(start), "end": str(end), "step": str(step)}
        return self._ask("query_range", query=expression, **times)["result"]

    def alerts(self) -> list[dict[str, Any]]:
        """Alerts that are pending or fire."""
        return list(self._ask("alerts")["alerts"])

    def _ask(self, what: str, **question: str) -> Any:
        """Raises ClusterError if it is refused, with why."""
        url = f"http://{self.address}/api/v1/{what}?{urllib.parse.urlencode(question)}"
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(url, timeout=_SECONDS) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise ClusterError(f"Prometheus refuses {question}: {error.read().decode()}") from error


def start_prometheus(
    programs: Programs, scraped: str, job: str, rules: Path | None = None
) -> Prometheus:
    """Start one that scrapes /metrics at `scraped`, host:port, under the label `job`.

    Raises ClusterError if it is not ready in time.
    """
    folder = programs.folder / "prometheus"
    folder.mkdir()
    config = {
        "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
        "scrape_configs": [{"job_name": job, "static_configs": [{"targets": [scraped]}]}],
        "rule_files": [] if rules is None else [str(rules)],
    }
    (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
    address = f"127.0.0.1:{free_port()}"
    flags = (
        f"--config.file={folder / 'prometheus.yaml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address={address}",
    )
    ready = functools.partial(answers, f"http://{address}/-/ready")
    programs.run(Program("prometheus", (built("prometheus"), *flags), ready))
    return Prometheus(address)
