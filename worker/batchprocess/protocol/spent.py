"""Where an attempt's time goes, and what to change when it goes into waiting for data."""

from collections.abc import Iterable

from pydantic import BaseModel, ConfigDict, Field

_MUCH = 0.2
_ENOUGH_SECONDS = 10.0


class Spent(BaseModel):
    """Seconds since the attempt's first batch was asked for. Information only.

    data: waiting for the next batch. device: the GPU's stream held work of a batch. user: the rest
    of `process_batch`, and the hooks. storage: waiting for a commit, or for the encoder. waiting:
    where batches run beside one another, for those under way (in place of device).
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    data: float = 0.0
    device: float = 0.0
    user: float = 0.0
    storage: float = 0.0
    # Never beside `device`, so that a report is no longer than before.
    waiting: float = Field(default=0.0, exclude_if=lambda seconds: not seconds)

    @property
    def total(self) -> float:
        """All of it."""
        return self.data + self.device + self.user + self.storage + self.waiting

    @property
    def waits_for_data(self) -> bool:
        """Whether more than a fifth of a time worth speaking of went into waiting for data."""
        return self.total >= _ENOUGH_SECONDS and self.data > _MUCH * self.total

    def text(self) -> str:
        """Shares, for people: `data 3%, device 90%, user code 5%, storage 2%`."""
        if not self.total:
            return ""
        parts = {
            "data": self.data,
            "device": self.device,
            "user code": self.user,
            "storage": self.storage,
        }
        if self.waiting:
            parts = {"data": self.data, "waiting for results": self.waiting, **parts}
            del parts["device"]
        return ", ".join(f"{name} {part / self.total:.0%}" for name, part in parts.items())


def sum_of(shards: Iterable[Spent]) -> Spent:
    """All shards' times together."""
    found = list(shards)
    return Spent(
        **{name: round(sum(getattr(one, name) for one in found), 3) for name in Spent.model_fields}
    )


def advice(spent: Spent, *, loaders: int | None = None, cores: int | None = None) -> str | None:
    """What to change if the run waits for data; None if it does not.

    `loaders` loader processes read now and `cores` are allowed to, if that is known.
    """
    if not spent.waits_for_data:
        return None
    share = f"{spent.data / spent.total:.0%} of the time went into waiting for data: "
    if loaders == 0:
        beside = "" if cores is None else f", beside {cores} cores"
        return share + (f"set dataloader.numWorkers; now the loop itself reads every row{beside}")
    if loaders is None or cores is None:
        now = "set or raise dataloader.numWorkers"
        now = now if loaders is None else f"raise dataloader.numWorkers from {loaders}"
        return share + f"{now}, or make rows cheaper to read and decode"
    if loaders < cores:
        return share + f"raise dataloader.numWorkers from {loaders}; {cores} cores are there"
    return share + (
        f"all {cores} cores read already; make rows cheaper to decode (smaller, or decoded once), "
        "or give each GPU more cores"
    )
