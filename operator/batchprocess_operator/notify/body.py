"""What is sent of a message: the same bytes whenever it is sent again. Pure."""

import json
from collections.abc import Mapping
from typing import Any

from batchprocess.api.notify.outbox import PendingMessage
from batchprocess.protocol.job_object import GROUP, PLURAL, VERSION
from batchprocess_operator.model.identity import JobIdentity

_TYPE = ".".join(reversed(GROUP.split(".")))
_MAX_SLACK = 3_000
"""Characters that Slack shows of one text."""


def data_of(about: JobIdentity, message: PendingMessage, cluster: str) -> dict[str, Any]:
    """What a program wants to know; what is not known is left out."""
    who = {"cluster": cluster or None, "namespace": about.namespace, "name": about.name}
    who |= {"uid": about.uid, "runId": about.run_id, "outputURI": about.run_uri}
    told = message.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {key: value for key, value in who.items() if value} | told


def webhook(about: JobIdentity, message: PendingMessage, cluster: str) -> bytes:
    """As Standard Webhooks advises: type, timestamp and data."""
    data = data_of(about, message, cluster)
    return _json({"type": f"job.{message.event.lower()}", "timestamp": data["time"], "data": data})


def cloud_event(
    about: JobIdentity, message: PendingMessage, cluster: str, message_id: str
) -> bytes:
    """CloudEvents 1.0, in the structured mode of its HTTP binding."""
    data = data_of(about, message, cluster)
    place = f"/apis/{GROUP}/{VERSION}/namespaces/{about.namespace}/{PLURAL}/{about.name}"
    return _json(
        {
            "specversion": "1.0",
            "id": message_id,
            "source": f"/{cluster}{place}" if cluster else place,
            "type": f"{_TYPE}.job.{message.event.lower()}",
            "subject": about.uid,
            "time": data["time"],
            "datacontenttype": "application/json",
            "data": data,
        }
    )


def slack(about: JobIdentity, message: PendingMessage, cluster: str) -> bytes:
    """For an incoming webhook. Texts of a tenant mention nobody and disguise no link."""
    where = f"{about.namespace} of {cluster}" if cluster else about.namespace
    lines = [f"*{_escaped(about.name)}* in {_escaped(where)}: {_headline(message)}"]
    if message.event in ("Failed", "Stalled") and message.message:
        lines.append(_escaped(message.message))
    if message.event == "Complete":
        lines.append(_escaped(about.run_uri))
    text = "\n".join(lines)[:_MAX_SLACK]
    return _json({"text": text, "unfurl_links": False, "unfurl_media": False})


def _headline(message: PendingMessage) -> str:
    if message.event == "Progress":
        return f"{message.percent}%, {message.batches_done} of {message.batches_total} batches"
    if message.event == "Complete":
        bad = f", {message.bad_rows:,} left out" if message.bad_rows else ""
        shards = f", {message.shards_failed} shards failed" if message.shards_failed else ""
        rows = "" if message.rows is None else f", {message.rows:,} rows"
        return f"{message.state}{rows}{bad}{shards}"
    return f"{message.event} ({_escaped(message.reason or 'Unknown')})"


def _escaped(text: str) -> str:
    """As Slack asks for it: these three begin mentions and links."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _json(value: Mapping[str, Any]) -> bytes:
    """ASCII: half a character of a tenant's text is no UTF-8."""
    return json.dumps(value, separators=(",", ":")).encode("ascii")
