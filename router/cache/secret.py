"""The secret that keys the hashes in cache keys."""

import os
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path

from router.settings_cache import CacheSettings

SECRET_BYTES = 32
FILE_NAME = "cache.key"


def load_secret(cache: CacheSettings) -> bytes:
    """Return the secret of this cache; replicas that share a cache get the same one.

    It is the configured one if there is one. For a Redis it comes from the address, password
    included. For the embedded server it is a file that only the owner can read, made on first use;
    where no file can be kept it is new at every start, and so is the cache.
    """
    if cache.secret is not None:
        return _derive(cache.secret.get_secret_value())
    if cache.url not in ("embedded", "off"):
        return _derive(cache.url)
    if cache.url == "off" or cache.state_dir is None:
        return os.urandom(SECRET_BYTES)
    with suppress(OSError):
        return _kept(cache.state_dir)
    return os.urandom(SECRET_BYTES)


def _derive(text: str) -> bytes:
    return blake2b(text.encode(), digest_size=SECRET_BYTES, person=b"tt-secret").digest()


def _kept(directory: Path) -> bytes:
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = directory / FILE_NAME
    fresh = directory / f"{FILE_NAME}.{os.getpid()}"
    with suppress(FileNotFoundError):
        kept = file.read_bytes()
        if len(kept) == SECRET_BYTES:
            return kept
        file.unlink()
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(descriptor, os.urandom(SECRET_BYTES))
    finally:
        os.close(descriptor)
    # A link never replaces: of several workers that start together, the first one's secret stays.
    with suppress(FileExistsError):
        os.link(fresh, file)
    fresh.unlink()
    return file.read_bytes()
