"""How pods reach the progress endpoint: address and CA, given to every worker."""

from dataclasses import dataclass

from batchprocess.protocol.environment import PREFIX
from batchprocess_operator.manifests.environment import TOKEN_FOLDER


@dataclass(frozen=True, slots=True)
class ProgressRoad:
    """`url` of the endpoint, and the PEM of the CA that its certificate is pinned to."""

    url: str
    ca: str

    def entries(self) -> list[dict[str, str]]:
        """Environment entries. They never change what a worker computes."""
        return [
            {"name": f"{PREFIX}PROGRESS_URL", "value": self.url},
            {"name": f"{PREFIX}PROGRESS_CA", "value": self.ca},
            {"name": f"{PREFIX}PROGRESS_TOKEN_FILE", "value": f"{TOKEN_FOLDER}/token"},
        ]
