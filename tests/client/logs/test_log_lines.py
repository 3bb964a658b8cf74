"""Lines with their times, each told once."""

from batchprocess.client.logs.log_lines import LogLine, Resumption, log_line
from batchprocess.client.logs.log_pods import log_pods
from support.client.fake_pods import BEGIN, at, pod
from support.client.fake_server import snapshot

(POD,) = log_pods([pod("a", 3)], snapshot(shards=10))


def line(seconds: float, text: str) -> LogLine:
    return log_line(POD, f"{at(seconds)} {text}".encode())


def test_a_line_has_its_time_and_nothing_that_a_terminal_obeys() -> None:
    made = line(0, "a\tb \x1b[31mred\x9b")
    assert (made.time, made.text, str(made)) == (
        BEGIN,
        "a\tb  [31mred",
        "[shard 3] a\tb  [31mred",
    )


def test_of_a_progress_bar_the_last_state_is_shown() -> None:
    assert line(0, "10%\r50%\r100%\r").text == "100%"


def test_a_line_without_a_time_has_that_of_the_line_before() -> None:
    made = log_line(POD, b"\xfffailed to open", BEGIN)
    assert (made.time, made.text) == (BEGIN, "\ufffdfailed to open")


def test_what_is_sent_again_from_the_begin_of_its_second_is_told_once() -> None:
    place = Resumption()
    assert place.since is None
    first = [line(0.2, "a"), line(1.1, "b"), line(1.5, "c"), line(1.5, "c")]
    place.begin()
    assert [one.text for one in place.new(first)] == ["a", "b", "c", "c"]
    assert place.since == "2030-01-01T00:00:01Z"
    again = [*first[1:], line(1.5, "d"), line(2, "e")]
    place.begin()
    assert [one.text for one in place.new(again)] == ["d", "e"]
    place.begin()
    assert [one.text for one in place.new([line(2, "e"), line(2, "e2")])] == ["e2"]


def test_no_line_is_lost_where_a_nodes_clock_is_set_back() -> None:
    place = Resumption()
    place.begin()
    assert len(list(place.new([line(9, "a"), line(3, "b"), line(4, "c")]))) == 3
