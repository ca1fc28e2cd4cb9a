"""Addresses of brokers: secrets are put in and never come out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_client.publish.address import (
    broker_kind,
    redacted,
    with_password,
    without_secrets,
)
from ledger_client.publish.nats import NatsTarget
from ledger_client.publish.rabbitmq import RabbitTarget


@pytest.mark.parametrize(
    ("url", "kind", "shown"),
    [
        ("amqp://u:p@h:1/v?heartbeat=3", "rabbitmq", "amqp://u@h:1/v"),
        ("amqps://h", "rabbitmq", "amqps://h"),
        ("amqp://u@h/", "rabbitmq", "amqp://u@h/"),
        ("nats://u:p@h:4222", "nats", "nats://u@h:4222"),
        ("tls://token@h:4222", "nats", "tls://h:4222"),
    ],
)
def test_is_shown_without_secrets(url: str, kind: str, shown: str) -> None:
    assert broker_kind(url) == kind
    assert without_secrets(url) == shown


@pytest.mark.parametrize("url", ["", "h:1", "http://u:secret@h", "amqp://", "nats:///secret"])
def test_no_other_addresses(url: str) -> None:
    with pytest.raises(ValueError, match="URL") as refusal:
        broker_kind(url)
    assert "secret" not in str(refusal.value)


secrets = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=8)


@given(secrets)
def test_a_password_is_put_in_and_never_shown(secret: str) -> None:
    for url in ("amqp://u@h:1/v", "nats://u@h:1"):
        full = with_password(url, secret)
        assert without_secrets(full) == url
    rabbit = RabbitTarget(with_password("amqp://u@h:1/v", secret), "e")
    assert rabbit._url.password == secret
    assert rabbit.name == "exchange e at amqp://u@h:1/v"
    assert NatsTarget(with_password("nats://u@h:1", secret), "s").name == "stream s at nats://u@h:1"


def test_a_password_needs_a_user_and_a_place() -> None:
    with pytest.raises(ValueError, match="needs a user"):
        with_password("amqp://h", "secret")
    with pytest.raises(ValueError, match="already"):
        with_password("amqp://u:p@h", "secret")


def test_what_a_driver_says_is_redacted() -> None:
    assert redacted("no amqp://u:hidden@h", "amqp://u:hidden@h") == "no amqp://u:***@h"
    assert redacted("bad abcdef", "nats://abcdef@h") == "bad ***"
    assert redacted("bad u", "amqp://u@h") == "bad u"
