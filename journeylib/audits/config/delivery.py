"""Delivery: who is told of a run and how; secrets are named here, never held."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from journeylib.core import ConfigError, Described

When = Literal["always", "alarm", "never"]
ADDRESS = re.compile(r"[^@\s<>,;]+@[^@\s<>,;]+")
LOOPBACK = ("localhost", "127.0.0.1", "::1")


def _is_address(text: str) -> str:
    if not ADDRESS.fullmatch(text):
        raise ValueError("is no mail address; write it as team@example.com")
    return text


Address = Annotated[str, AfterValidator(_is_address)]
Variable = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="Name of an environment variable; the secret itself stands nowhere else.",
    ),
]


class SmtpSettings(Described):
    """The server that takes the mail.

    Attributes
    ----------
    host
        Name of the mail server.
    tls
        tls: from the first byte on, mostly port 465.
    """

    host: str
    port: int = Field(587, ge=1, le=65535)
    tls: Literal["starttls", "tls", "none"] = "starttls"
    user_env: Variable | None = None
    password_env: Variable | None = None

    @model_validator(mode="after")
    def _login_is_whole_and_hidden(self) -> Self:
        if (self.user_env is None) != (self.password_env is None):
            raise ValueError("give both 'user_env' and 'password_env', or neither")
        if self.user_env and self.tls == "none" and self.host not in LOOPBACK:
            raise ValueError("a password needs 'tls: starttls' or 'tls: tls'")
        return self


class MailSettings(Described):
    """A mail with the verdict on top, the dashboard and its PDF attached.

    Attributes
    ----------
    sender
        Who it is from.
    to
        Who gets it.
    subject_prefix
        Before verdict and number.
    smtp
        Absent: mail.eml is only written.
    """

    sender: Address
    to: tuple[Address, ...] = Field(min_length=1)
    subject_prefix: str = Field("", max_length=60)
    smtp: SmtpSettings | None = None


class WebhookSettings(Described):
    """A channel that takes a message by an address which is itself a secret."""

    webhook_env: Variable


class DeliverySettings(Described):
    """Who is told of a run. The files are always written; sending has to be asked for.

    Attributes
    ----------
    when
        Send always, only on an alarm, or never; --send and --no-send override it.
    link
        Address under which the folder of this audit's runs can be opened.
    """

    when: When = "never"
    link: str = Field("", pattern="^(https?://\\S+)?$")
    mail: MailSettings | None = None
    slack: WebhookSettings | None = None
    teams: WebhookSettings | None = None

    def secrets(self) -> Iterator[tuple[str, str]]:
        """Yield the place and the name of every environment variable that is named."""
        if self.mail and self.mail.smtp:
            for key in ("user_env", "password_env"):
                if name := getattr(self.mail.smtp, key):
                    yield f"delivery.mail.smtp.{key}", name
        for channel in ("slack", "teams"):
            if hook := getattr(self, channel):
                yield f"delivery.{channel}.webhook_env", hook.webhook_env

    def check_secrets(self, environment: Mapping[str, str]) -> None:
        """Refuse to begin a run whose news could not be sent.

        Raises
        ------
        ConfigError
            If a named environment variable is not set, or nobody is named to send to.
        """
        if not (self.slack or self.teams or (self.mail and self.mail.smtp)):
            raise ConfigError(
                "nobody to send to: fill in delivery.mail with its smtp, delivery.slack or "
                "delivery.teams, or leave --send and delivery.when out."
            )
        for setting, name in self.secrets():
            if not environment.get(name):
                raise ConfigError(
                    f"the environment variable {name}, which {setting} names, is not set. Set it "
                    "for this command, or run without sending: --no-send."
                )
