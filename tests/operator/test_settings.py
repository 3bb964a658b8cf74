"""Settings come from the environment, and what cannot be used is named."""

import pytest

from batchprocess_operator.__main__ import main
from batchprocess_operator.settings import PREFIX, OperatorSettings, SettingsError, variable_of


def read(**values: str) -> OperatorSettings:
    return OperatorSettings.from_env({PREFIX + name.upper(): text for name, text in values.items()})


def test_every_setting_has_a_default_and_a_description() -> None:
    assert read().namespaces == ()
    for name, field in OperatorSettings.model_fields.items():
        assert field.description, name


def test_namespaces_are_a_list_with_commas() -> None:
    assert read(namespaces="a, b,,c ").namespaces == ("a", "b", "c")


def test_an_empty_variable_is_as_good_as_none() -> None:
    assert read(workers="", progress_address="") == read()


def test_jobs_reconciled_at_a_time_are_set_by_the_variable_that_has_always_set_them() -> None:
    assert OperatorSettings.from_env({}).concurrent_reconciles == 16
    given = {"BATCHPROCESS_OPERATOR_WORKERS": "3"}
    assert OperatorSettings.from_env(given).concurrent_reconciles == 3


def test_numbers_and_booleans_are_read_from_text() -> None:
    made = read(progress_port="9443", progress_secret_given="true", requests_per_second="12.5")
    assert (made.progress_port, made.progress_secret_given, made.requests_per_second) == (
        9443,
        True,
        12.5,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("progress_port", "70000"),
        ("progress_port", "http"),
        ("workers", "0"),
        ("requests_per_second", "-1"),
        ("log_level", "LOUD"),
        ("progress_secret_given", "perhaps"),
    ],
)
def test_a_value_that_cannot_be_used_is_named_with_its_variable(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as error:
        read(**{name: value})
    assert f"{PREFIX}{name.upper()}={value!r}: " in str(error.value)


def test_other_variables_are_not_ours() -> None:
    assert OperatorSettings.from_env({"PATH": "/bin", "BATCHPROCESS_RUN_URI": "x"}) == read()


def test_help_lists_every_variable(monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.argv", ["operator", "--help"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 0
    said = capsys.readouterr().out
    for name in OperatorSettings.model_fields:
        assert variable_of(name) in said


def test_a_bad_setting_ends_with_a_sentence_and_no_traceback(monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.argv", ["operator"])
    monkeypatch.setenv(PREFIX + "WORKERS", "none")
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "BATCHPROCESS_OPERATOR_WORKERS='none'" in capsys.readouterr().err


def test_an_argument_counts_more_than_its_variable() -> None:
    variables = {PREFIX + "REQUEST_BURST": "5", PREFIX + "WORKERS": "3"}
    given = {PREFIX + "REQUEST_BURST": "7", PREFIX + "WORKERS": None}
    made = OperatorSettings.from_env(variables, given)
    assert (made.request_burst, made.concurrent_reconciles) == (7, 3)


def test_a_bad_argument_is_named(monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.argv", ["operator", "--log-format=xml"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "'xml'" in capsys.readouterr().err
