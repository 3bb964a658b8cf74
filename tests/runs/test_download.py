"""Files are read whole, whatever breaks off on the way."""

from batchprocess.protocol.errors import (
    OutcomeUnknown,
)
from batchprocess.runs.download import whole
from support.patience import patience
from support.storage.fake_storage import FakeMemoryStorage


def test_a_reading_that_breaks_off_goes_on_behind_its_last_chunk():
    class Breaking(FakeMemoryStorage):
        def read(self, key: str, *, start: int = 0):
            starts.append(start)
            yield self.objects[key][start : start + 3]
            if start + 3 < len(self.objects[key]):
                raise OutcomeUnknown("reset")

    starts: list[int] = []
    store = Breaking()
    store.objects["k"] = b"abcdefgh"
    assert whole(store, "k", patience()) == b"abcdefgh"
    assert starts == [0, 3, 6]
