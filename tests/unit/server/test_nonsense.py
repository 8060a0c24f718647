"""What no engine sends is answered all the same."""

from tests.conformance.plugin import Plugin


def test_a_body_that_is_nested_too_deeply_is_malformed() -> None:
    body = b'{"NetworkID":"x","Options":{"a":' + b"[" * 100_000
    answer = Plugin().client.post("/NetworkDriver.CreateNetwork", data=body)

    assert answer.status_code == 400
    assert answer.json
    assert answer.json["Err"] == "$: the body is nested too deeply"


def test_options_is_a_verb_like_any_other() -> None:
    answer = Plugin().client.options("/NetworkDriver.CreateNetwork")

    assert answer.status_code == 405
    assert answer.mimetype == "application/json"
