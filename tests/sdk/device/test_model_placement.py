"""A model comes into eval mode and onto the device by what its maker allows."""

import pytest
import torch

from batchprocess.sdk.device.model_options import ModelOptions
from batchprocess.sdk.device.model_placement import enter_eval_mode, place
from batchprocess.sdk.device.prepare_model import ModelPreparer
from support.fake_quantised import FakeBitsandbytesModel, FakeHqqModel, FakeMappedModel

CPU, META = torch.device("cpu"), torch.device("meta")


def test_no_type_is_named_where_none_was_asked_for() -> None:
    model = FakeBitsandbytesModel()
    assert ModelPreparer(CPU).prepare(model, ModelOptions()) is model
    assert (model.training, model.moved) == (False, [])
    place(model, META, None)
    assert model.moved == [{"device": META}]


def test_a_type_that_was_asked_for_is_refused_in_the_librarys_words() -> None:
    with pytest.raises(ValueError, match="You cannot cast a bitsandbytes model"):
        ModelPreparer(CPU).prepare(FakeBitsandbytesModel(), ModelOptions(torch.bfloat16))


def test_what_is_on_the_device_is_not_moved() -> None:
    ModelPreparer(CPU).prepare(FakeHqqModel(), ModelOptions())


def test_a_model_that_has_tensors_of_its_own_only_moves_them_itself() -> None:
    class Table(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rows = torch.ones(2)

        def _apply(self, change, recurse=True):
            self.rows = change(self.rows)
            return super()._apply(change, recurse)

    model = Table()
    place(model, META, None)
    assert model.rows.device == META


def test_a_mapped_model_stays_where_it_is() -> None:
    model = FakeMappedModel()
    place(model, META, None)
    assert {one.device for one in model.here.parameters()} == {CPU}


def test_what_stands_around_a_mapped_model_is_moved() -> None:
    class Wrapper(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.language = FakeMappedModel()
            self.head = torch.nn.Linear(2, 2)
            self.scale = torch.nn.Parameter(torch.ones(1))
            self.register_buffer("mean", torch.zeros(1))

    model = Wrapper()
    place(model, META, None)
    around = (*model.head.parameters(), model.scale, model.mean)
    assert {one.device for one in around} == {META}
    assert model.language.here.weight.device == CPU
    assert list(model.state_dict())[:2] == ["scale", "mean"]


def exported() -> torch.nn.Module:
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Dropout()).eval()
    rows = ({0: torch.export.Dim("rows")},)
    return torch.export.export(model, (torch.ones(3, 2),), dynamic_shapes=rows).module()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_an_exported_module_is_prepared_alone_and_within_another() -> None:
    x = torch.rand(5, 2)
    alone, inner = exported(), exported()
    within = torch.nn.Sequential(torch.nn.Dropout(), inner)
    right = alone(x), inner(x)
    for model, expected in zip((alone, within), right, strict=True):
        options = ModelOptions(channels_last=True, split_when_out_of_memory=True)
        ModelPreparer(CPU).prepare(model, options)
        assert torch.equal(model(x), expected)


@pytest.mark.filterwarnings("ignore")
def test_an_exported_program_is_sent_for_its_module() -> None:
    program = torch.export.export(torch.nn.Linear(2, 2), (torch.ones(1, 2),))
    with pytest.raises(TypeError, match=r"not a ExportedProgram: give its \.module\(\)"):
        ModelPreparer(CPU).prepare(program, ModelOptions())


def test_eval_mode_reaches_every_module() -> None:
    model = torch.nn.Sequential(torch.nn.Sequential(torch.nn.Dropout()))
    enter_eval_mode(model)
    assert not any(one.training for one in model.modules())
