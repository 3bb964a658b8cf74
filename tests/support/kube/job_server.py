"""BatchProcessJobs on a real API server, through the ordinary Python client."""

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes import client, config

from support.job_cases import job

GROUP, VERSION, PLURAL = "batchprocess.dev", "v1alpha1", "batchprocessjobs"
Patch = list[dict[str, Any]]


@dataclass
class Refused(Exception):
    """The API server said no: `fields` are those that it blames, `message` is all it said."""

    code: int
    fields: list[str]
    message: str


class JobServer:
    """Jobs of the namespace `default`."""

    def __init__(self, kubeconfig: Path) -> None:
        api = config.new_client_from_config(config_file=str(kubeconfig))
        self._jobs = client.CustomObjectsApi(api)
        self._place = (GROUP, VERSION, "default", PLURAL)

    def create(self, spec: Any, name: str = "digits", *, dry: bool = False) -> dict[str, Any]:
        """The stored object (or what would be stored). Unknown fields are refused."""
        more = {"dry_run": "All"} if dry else {}
        with _refusals():
            return self._jobs.create_namespaced_custom_object(
                *self._place, job(spec, name), field_validation="Strict", **more
            )

    def get(self, name: str = "digits") -> dict[str, Any]:
        """The stored object."""
        return self._jobs.get_namespaced_custom_object(*self._place, name)

    def patch(self, patch: Patch, name: str = "digits", *, dry: bool = False) -> dict[str, Any]:
        """Apply a JSON patch. Unknown fields are refused."""
        more = {"dry_run": "All"} if dry else {}
        with _refusals():
            return self._jobs.patch_namespaced_custom_object(
                *self._place,
                name,
                patch,
                field_validation="Strict",
                _content_type="application/json-patch+json",
                **more,
            )

    def patch_status(self, status: dict[str, Any], name: str = "digits") -> dict[str, Any]:
        """Merge into the status subresource."""
        with _refusals():
            return self._jobs.patch_namespaced_custom_object_status(
                *self._place,
                name,
                {"status": status},
                _content_type="application/merge-patch+json",
            )

    def would_take(self, child: dict[str, Any]) -> None:
        """Let the API server check a Job, without storing it."""
        with _refusals():
            # Its class for Jobs would check them by itself, and takes no 1 for a quantity.
            self._jobs.create_namespaced_custom_object(
                "batch", "v1", "default", "jobs", child, dry_run="All", field_validation="Strict"
            )

    def delete(self, name: str = "digits") -> None:
        """Delete it if it is there."""
        with contextlib.suppress(Refused), _refusals():
            self._jobs.delete_namespaced_custom_object(*self._place, name)


@contextlib.contextmanager
def _refusals() -> Iterator[None]:
    try:
        yield
    except client.ApiException as error:
        said = json.loads(error.body)
        causes = said.get("details", {}).get("causes", ())
        raise Refused(
            error.status, [one.get("field", "") for one in causes], said["message"]
        ) from error
