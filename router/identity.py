"""Who is asking: the client's key to a tenant, and what that key may use. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b

from .errors import UnauthenticatedError
from .settings_schema import KeySettings


@dataclass(frozen=True, slots=True)
class Identity:
    """A client.

    Attributes:
        tenant: Whose cache entries it shares.
        tiers: Tier names it may use; ``None`` is all.
        key: Keyed hash of its key: what its allowances are counted under.
        requests_per_minute: ``None`` is no limit.
        usd_per_day: ``None`` is no limit.
    """

    tenant: str
    tiers: tuple[str, ...] | None = None
    key: str = ""
    requests_per_minute: int | None = None
    usd_per_day: float | None = None

    @property
    def owner(self) -> str:
        """Whose decisions those of its requests are: its key's, where there are keys."""
        return self.key or self.tenant


ANYBODY = Identity("")
"""Who is asking before that is known."""


class Keyring:
    """Tells clients apart by their bearer token.

    Without ``keys`` everybody may come in, and the tenant is a keyed hash of the token, so that two
    clients with different upstream keys never see each other's answers.

    Args:
        keys: From the configuration; ``None`` is no authentication.
        secret: Keys the hashes.
    """

    def __init__(self, keys: Sequence[KeySettings] | None, secret: bytes) -> None:
        self._secret = secret[: blake2b.MAX_KEY_SIZE]
        self._known: dict[str, Identity] | None = None
        if keys is not None:
            # Looked up by keyed hash: the time a look-up takes tells nothing about a stored key.
            self._known = {
                (digest := self._hash(key.key.get_secret_value().encode())): Identity(
                    key.tenant, key.tiers, digest, key.requests_per_minute, key.usd_per_day
                )
                for key in keys
            }

    def identify(self, authorization: bytes, api_key: bytes) -> Identity:
        """Return who sent a request.

        Args:
            authorization: The ``authorization`` header, empty if there is none.
            api_key: The ``x-api-key`` header, likewise; older Anthropic clients send it.

        Raises:
            UnauthenticatedError: If keys are configured and this is none of them.
        """
        scheme, _, token = authorization.partition(b" ")
        token = token.strip() if scheme.lower() == b"bearer" else authorization
        digest = self._hash(token or api_key)
        if self._known is None:
            return Identity(digest)
        identity = self._known.get(digest)
        if identity is None:
            raise UnauthenticatedError(
                'no valid key: send one of the configured keys as "Authorization: Bearer <key>"'
            )
        return identity

    def _hash(self, token: bytes) -> str:
        return blake2b(token, digest_size=32, key=self._secret, person=b"tt-client").hexdigest()
