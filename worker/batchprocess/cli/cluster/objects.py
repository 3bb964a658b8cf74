"""An object of a cluster as text. What others wrote in it is escaped: nothing moves a cursor."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, Literal

import yaml

from batchprocess.cli.output import print_json, print_json_list
from batchprocess.protocol.job_object import API_VERSION, GROUP, KIND

Form = Literal["json", "yaml", "name"]


def print_object(raw: Mapping[str, Any], form: Form) -> None:
    """One object."""
    if form == "name":
        print(_name(raw))
    elif form == "yaml":
        print(_yaml(shown(raw)), end="")
    else:
        print_json(shown(raw))


def print_objects(raws: Iterable[Mapping[str, Any]], form: Form) -> None:
    """A list of them, each printed as it comes."""
    if form == "json":
        print_json_list(
            {"apiVersion": API_VERSION, "kind": f"{KIND}List"}, "items", map(shown, raws)
        )
        return
    for raw in raws:
        if form == "yaml":
            print("---")
        print_object(raw, form)


def shown(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The object without what only the API server wants to know; as kubectl shows it."""
    meta = {key: value for key, value in raw["metadata"].items() if key != "managedFields"}
    return {"apiVersion": API_VERSION, "kind": KIND, **raw, "metadata": meta}


def _name(raw: Mapping[str, Any]) -> str:
    return f"{KIND.lower()}.{GROUP}/{raw['metadata']['name']}"


def _yaml(value: Mapping[str, Any]) -> str:
    # Through JSON: an alias for what stands in it twice would be no help to a reader.
    plain = json.loads(json.dumps(value))
    return str(yaml.safe_dump(plain, sort_keys=False))
