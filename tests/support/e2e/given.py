"""Running the end-to-end tests against a cluster that somebody else has started."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import testcluster

_PREFIX = "BATCHPROCESS_E2E_"


@dataclass(frozen=True)
class Given:
    """BATCHPROCESS_E2E_KUBECONFIG, _IMAGE and _ADDRESS; docs/test-cluster.md says how for kind.

    The operator is installed there as the README says. `image`: a whole worker image that its
    nodes have; `address`: of this machine, as its pods reach it (for the S3 server).
    """

    kubeconfig: Path
    image: str
    address: str

    @property
    def kubectl(self) -> testcluster.Kubectl:
        """The test cluster's kubectl, for that cluster."""
        return testcluster.Kubectl(self.kubeconfig)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> "Given | None":
        """None without any of the variables. Raises ValueError if one is missing."""
        values = [environ.get(_PREFIX + name, "") for name in ("KUBECONFIG", "IMAGE", "ADDRESS")]
        if not any(values):
            return None
        if not all(values):
            raise ValueError(f"{_PREFIX}KUBECONFIG, _IMAGE and _ADDRESS belong together: set all")
        kubeconfig, image, address = values
        return cls(Path(kubeconfig), image, address)
