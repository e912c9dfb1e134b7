"""Decision ids: they cannot be guessed, name nobody, and prove whose they are. Pure but for the random part.

An id ends in a keyed hash of its random part and its owner. So any replica that shares the secret can tell, without having
stored a word about the request, whether a decision was taken here and for whom.
"""

import secrets
from hashlib import blake2b
from hmac import compare_digest

from .settings_schema import Settings

PREFIX = "d_"
RANDOM_BYTES = 12
PROOF_BYTES = 8
"""An id can only be tried out against a server, so 64 bits are plenty."""


class DecisionIds:
    """Makes ids, and knows its own again.

    Args:
        secret: Shared by all replicas.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret[: blake2b.MAX_KEY_SIZE]

    def new(self, owner: str) -> str:
        """Return an id for a request of ``owner``."""
        random = secrets.token_hex(RANDOM_BYTES)
        return PREFIX + random + self._proof(random, owner)

    def owns(self, owner: str, decision_id: str) -> bool:
        """Return whether the id was made here, for a request of ``owner``."""
        random = decision_id.removeprefix(PREFIX)[: 2 * RANDOM_BYTES]
        expected = PREFIX + random + self._proof(random, owner)
        # In bytes: of texts, only ASCII can be compared.
        return compare_digest(
            decision_id.encode(errors="replace"), expected.encode(errors="replace")
        )

    def _proof(self, random: str, owner: str) -> str:
        data = f"{random}.{owner}".encode(errors="replace")
        hasher = blake2b(data, digest_size=PROOF_BYTES, key=self._secret, person=b"tt-decision")
        return hasher.hexdigest()


def secret_of(settings: Settings) -> bytes:
    """Return a secret for a server without a cache: from the keys it was given, so all its workers have the same.

    A server that was given none has nothing to keep apart either.
    """
    hasher = blake2b(digest_size=32, person=b"tt-settings")
    keys = [model.litellm_params.api_key for model in settings.model_list]
    keys += [client.key for client in settings.keys or ()]
    for key in keys:
        text = "" if key is None else key.get_secret_value()
        hasher.update(f"{len(text)}.{text}".encode())
    return hasher.digest()
