"""Where time goes is told in disjoint parts, and waiting for data with a remedy."""

import pytest

from batchprocess.protocol.spent import Spent, advice, sum_of
from batchprocess.sdk.report.loop_times import Advisor, Times


def test_parts_add_up_to_what_was_measured() -> None:
    times = Times(data=3.0, work=10.0, saving=1.0, storage=2.0, device=7.5)
    spent = times.spent()
    assert spent == Spent(data=3.0, device=7.5, user=1.5, storage=3.0)
    assert spent.total == 15.0
    assert Times(work=2.0, device=5.0).spent() == Spent(device=2.0)


def test_shares_are_readable() -> None:
    assert (
        Spent(data=1, device=8, user=1).text() == "data 10%, device 80%, user code 10%, storage 0%"
    )
    assert Spent().text() == ""
    assert sum_of([Spent(data=1), Spent(data=2, user=3)]) == Spent(data=3, user=3)


@pytest.mark.parametrize(
    ("loaders", "cores", "remedy"),
    [
        (None, None, "30% of the time went into waiting for data: set or raise dataloader.numW"),
        (0, None, "set dataloader.numWorkers; now the loop itself reads every row"),
        (4, None, "raise dataloader.numWorkers from 4, or make rows cheaper"),
        (0, 8, "set dataloader.numWorkers; now the loop itself reads every row, beside 8 cores"),
        (4, 8, "raise dataloader.numWorkers from 4; 8 cores are there"),
        (8, 8, "all 8 cores read already; make rows cheaper to decode"),
    ],
)
def test_waiting_for_data_more_than_a_fifth_of_the_time_has_a_remedy(
    loaders, cores, remedy
) -> None:
    assert remedy in advice(Spent(data=30, user=70), loaders=loaders, cores=cores)


@pytest.mark.parametrize("spent", [Spent(data=19, user=81), Spent(data=5, user=1), Spent()])
def test_a_little_waiting_or_a_short_run_is_not_worth_a_word(spent) -> None:
    assert advice(spent) is None


def test_it_is_said_once(caplog) -> None:
    times = Times()
    advisor = Advisor(times, 0, 8)
    advisor.advise_once()
    assert caplog.messages == []
    times.data = 30.0
    for _ in range(2):
        advisor.advise_once()
    assert len(caplog.messages) == 1
