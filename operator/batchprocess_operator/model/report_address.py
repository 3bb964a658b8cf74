"""How pods reach the progress endpoint: address and CA, given to every worker."""

from dataclasses import dataclass

from batchprocess.protocol.variables import PROGRESS_CA, PROGRESS_TOKEN_FILE, PROGRESS_URL

TOKEN_FOLDER = "/var/run/batchprocess"  # noqa: S105  a folder, no secret
"""Where a pod finds `token`: what it proves with that it is itself."""


@dataclass(frozen=True, slots=True)
class ReportAddress:
    """`url` of the endpoint, and the PEM of the CA that its certificate is pinned to."""

    url: str
    ca: str

    def env_entries(self) -> list[dict[str, str]]:
        """Environment entries. They never change what a worker computes."""
        return [
            {"name": PROGRESS_URL, "value": self.url},
            {"name": PROGRESS_CA, "value": self.ca},
            {"name": PROGRESS_TOKEN_FILE, "value": f"{TOKEN_FOLDER}/token"},
        ]
