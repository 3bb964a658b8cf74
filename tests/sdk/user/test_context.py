"""What the context tells user code, and what it refuses in the call."""

import pytest
import torch

from support.contexts import context, made_pending


def test_a_context_tells_its_place_and_its_hparams(tmp_path):
    made = context(tmp_path)
    assert (made.get_distributed_rank(), made.get_distributed_size()) == (2, 4)
    assert (made.get_hparams(), made.get_tensorboard_path()) == ({"threshold": 0.5}, tmp_path)
    model = made.prepare_model_for_inference(torch.nn.Dropout())
    assert (made.device.type, model.training) == ("cpu", False)


def test_reported_metrics_are_checked_in_the_call(tmp_path):
    pending = made_pending(tmp_path)
    made = context(tmp_path, pending)
    made.report_metrics("g", 1, {"a": 1})
    made.report_metrics("g", 2, {"a": 1})
    for group in ("a.b", "", "a/b", "a\nb", "g" * 300):
        with pytest.raises(ValueError, match=r"metric group|file name"):
            made.report_metrics(group, 1, {"a": 1})
    with pytest.raises(ValueError, match="'a' was reported already"):
        made.report_metrics("g", 1, {"a": 2})
    for value in (object(), float("nan"), "\udcff"):
        with pytest.raises(TypeError, match="metric 'a' of group 'g' is not JSON"):
            made.report_metrics("g", 3, {"a": value})
    with pytest.raises(TypeError, match="steps_completed"):
        made.report_metrics("g", "3", {"a": 1})
    assert [entry.steps_completed for entry in pending.cut_commit((0, 1), (0, 1)).metrics] == [1, 2]
    assert pending.cut_commit((1, 2), (1, 2)).metrics == ()


def test_reducers_are_wrapped_in_init_only_under_unique_names(tmp_path):
    pending = made_pending(tmp_path)
    made = context(tmp_path, pending)
    made.wrap_reducer(sum, name="total")
    with pytest.raises(ValueError, match="'total' exists already"):
        made.wrap_reducer(max, name="total")
    with pytest.raises(TypeError, match="a MetricReducer or a function, not a list"):
        made.wrap_reducer([1], name="list")
    pending.in_init = False
    with pytest.raises(RuntimeError, match="__init__ only"):
        made.wrap_reducer(max, name="late")


def test_what_no_record_could_hold_is_refused_in_the_call(tmp_path):
    made, deep = context(tmp_path), 1
    for _ in range(200):
        deep = [deep]
    with pytest.raises(TypeError, match="metric 'tree' of group 'g' is not JSON .*too deep"):
        made.report_metrics("g", 1, {"tree": deep})
    with pytest.raises(TypeError, match="metric 'x' of group 'g' .*equal as texts"):
        made.report_metrics("g", 1, {"x": {1: 0.5, "1": 0.7}})
    with pytest.raises(ValueError, match="could not be read again"):
        made.wrap_reducer(sum, name="\udcff")
    with pytest.raises(TypeError, match="a name must be a text, not 5"):
        made.wrap_reducer(sum, name=5)
    with pytest.raises(ValueError, match="could not be read again"):
        made.report_task_using_model_version("\udcff")
