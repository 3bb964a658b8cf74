"""Lifecycle rules of a bucket that would take a run's objects away, as sentences. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

_UNREADABLE = {"GLACIER", "DEEP_ARCHIVE"}
"""Storage classes from which an object must be restored before it can be read."""


def dangers(rules: Iterable[Mapping[str, Any]], prefix: str) -> Iterator[str]:
    """What enabled `rules` would do to objects below `prefix` (no slash at its end)."""
    for rule in rules:
        if rule.get("Status") == "Enabled" and _applies(rule, f"{prefix}/" if prefix else ""):
            name = f"rule {rule.get('ID', '?')!r}"
            yield from (f"{name} {what}" for what in _effects(rule))


def _effects(rule: Mapping[str, Any]) -> Iterator[str]:
    expiration = rule.get("Expiration", {})
    if "Days" in expiration or "Date" in expiration:
        yield f"deletes objects {_when(expiration)}"
    for transition in rule.get("Transitions", ()):
        if transition.get("StorageClass") in _UNREADABLE:
            yield f"moves objects to {transition['StorageClass']} {_when(transition)}"


def _when(bound: Mapping[str, Any]) -> str:
    return f"after {bound['Days']} days" if "Days" in bound else f"on {bound.get('Date', '?')}"


def _applies(rule: Mapping[str, Any], ours: str) -> bool:
    chosen = rule.get("Filter") or {}
    chosen = {**chosen, **chosen.get("And", {})}
    if chosen.get("Tag") or chosen.get("Tags"):
        return False  # our objects have no tags
    theirs = str(chosen.get("Prefix", rule.get("Prefix", "")))
    return ours.startswith(theirs) or theirs.startswith(ours)
