"""Which steps were reported already, without a list that grows with them."""

MAX_RUNS = 1_000


class StepRuns:
    """Steps as arithmetic sequences, of which most loops make one: 0, 1, 2 or 0, 100, 200.

    Of steps without any order the oldest are forgotten, beyond 1,000 sequences.
    """

    def __init__(self) -> None:
        self._runs: list[range] = []
        self._highest: int | None = None

    def __contains__(self, step: int) -> bool:
        if self._highest is None or step > self._highest:
            return False
        return any(step in run for run in self._runs)

    def add(self, step: int) -> None:
        """Remember a step that is not known yet."""
        self._highest = step if self._highest is None else max(self._highest, step)
        last = self._runs[-1] if self._runs else range(0)
        if len(last) == 1:
            stride = step - last.start
            self._runs[-1] = range(last.start, step + stride, stride)
        elif last and step == last[-1] + last.step:
            self._runs[-1] = range(last.start, step + last.step, last.step)
        else:
            self._runs.append(range(step, step + 1))
            del self._runs[:-MAX_RUNS]
