"""Which cluster is meant, and who we are there. The only module that imports kubernetes."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

from batchprocess.client.errors import NotConfigured

if TYPE_CHECKING:
    from kubernetes.client import ApiClient, Configuration

_POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


def log_in(context: str | None, kubeconfig: str | None = None) -> "tuple[ApiClient, str]":
    """A client of the cluster, and the namespace that is meant where none is named.

    context: of the kubeconfig; its current one by default. kubeconfig: files, with `:` between
    them; by default those of $KUBECONFIG, else ~/.kube/config. In a pod without such a file it is
    the pod's own cluster, account and namespace.

    Raises NotConfigured.
    """
    try:
        from kubernetes import client, config
    except ImportError as error:
        raise NotConfigured(
            f"to talk to a cluster it takes: pip install 'batchprocess[client]' ({error})"
        ) from error
    # Nothing is sent twice by anybody but us, and no redirect carries our token elsewhere.
    made = client.Configuration(retries=False)
    files = kubeconfig or os.environ.get("KUBECONFIG") or str(Path("~/.kube/config").expanduser())
    try:
        if context is None and not _any_exists(files) and "KUBERNETES_SERVICE_HOST" in os.environ:
            config.load_incluster_config(  # type: ignore[no-untyped-call]
                client_configuration=made
            )
            namespace = _POD_NAMESPACE.read_text(encoding="utf-8").strip()
        else:
            namespace = _load(made, files, context)
    except NotConfigured:
        raise
    except (config.ConfigException, OSError) as error:
        which = "" if context is None else f" for context {context!r}"
        raise NotConfigured(f"{files} cannot be used as a kubeconfig{which}: {error}") from error
    except Exception as error:
        # Its reader of YAML, of plugins' answers and of certificates raise whatever they raise.
        said = f"{type(error).__name__}: {error}"
        raise NotConfigured(f"{files} cannot be used as a kubeconfig: {said}") from error
    return client.ApiClient(made), namespace


def _any_exists(files: str) -> bool:
    return any(Path(one).is_file() for one in files.split(os.pathsep) if one)


def _load(made: "Configuration", files: str, context: str | None) -> str:
    from kubernetes import config

    if not _any_exists(files):
        raise NotConfigured(f"no kubeconfig at {files}: set KUBECONFIG, or log in to a cluster")
    config.load_kube_config(  # type: ignore[no-untyped-call]
        config_file=files, context=context, client_configuration=made, persist_config=False
    )
    known, current = config.list_kube_config_contexts(  # type: ignore[no-untyped-call]
        files
    )
    chosen = current if context is None else next(one for one in known if one["name"] == context)
    return str(chosen["context"].get("namespace") or "default")
