"""`extensions`: what the service has beside its pipelines."""

from typing import Annotated, Final

from pydantic import BeforeValidator, field_validator
from sqlalchemy import make_url
from sqlalchemy.exc import SQLAlchemyError

from otelml.processor.config.value import OwnAddress, Section, given

_STORES: Final = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_STORE_FORMS: Final = "write sqlite:///file.db or postgresql://user:password@host/database"


class Storage(Section):
    """Where state is kept."""

    url: str = "sqlite:///otelml.db"

    @field_validator("url")
    @classmethod
    def _served(cls, url: str) -> str:
        """The URL with the driver that is meant; mistakes are told without the password."""
        kind, _, rest = url.partition("://")
        try:
            host = make_url(url).host or ""
        except (SQLAlchemyError, ValueError):
            raise ValueError(f"is no URL of a database: {_STORE_FORMS}") from None
        if "@" in host:  # errors of the network would tell it
            raise ValueError(f"has an @ in its password: write %40; {_STORE_FORMS}")
        if kind not in _STORES:
            raise ValueError(f"{kind!r} is not served: {_STORE_FORMS}")
        if kind == "sqlite" and host:
            raise ValueError(f"takes {host!r} for a host: {_STORE_FORMS}")
        return f"{_STORES[kind]}://{rest}"


class Health(Section):
    """Where health is asked for."""

    endpoint: OwnAddress = "127.0.0.1:13133"


class Extensions(Section):
    """What the service has beside its pipelines."""

    storage: Annotated[Storage, BeforeValidator(given)] = Storage()
    health: Annotated[Health | None, BeforeValidator(given)] = None
