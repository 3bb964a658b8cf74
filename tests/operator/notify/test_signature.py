"""Signatures by the rules of Standard Webhooks."""

import base64

import pytest

from batchprocess_operator.notify.signature import MAX_SECRETS, sign, signing_keys

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def test_a_signature_is_that_of_the_example_in_the_rules() -> None:
    # Of the specification's own tests.
    body = b'{"test": 2432232314}'
    signed = sign(signing_keys(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_while_a_secret_is_rotated_there_is_a_signature_for_each() -> None:
    other = "whsec_" + base64.b64encode(bytes(32)).decode()
    keys = signing_keys(f"{other}\n{SECRET}\n")
    first, second = sign(keys, "id", 1, b"x").split(" ")
    assert first == sign(signing_keys(other), "id", 1, b"x")
    assert second == sign(signing_keys(SECRET), "id", 1, b"x")


@pytest.mark.parametrize("number", [0, MAX_SECRETS + 1])
def test_so_many_secrets_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match=f"it has {number} signing secrets"):
        signing_keys("\n".join([SECRET] * number))


@pytest.mark.parametrize(
    "text",
    [
        SECRET.removeprefix("whsec_"),
        "whsec_short",
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        "whsec_ä" + SECRET,
    ],
)
def test_what_is_no_secret_is_refused_without_a_word_of_it(text: str) -> None:
    with pytest.raises(ValueError, match="^signing secret 2 is not whsec_") as caught:
        signing_keys(f"{SECRET}\n{text}")
    assert text not in str(caught.value)
