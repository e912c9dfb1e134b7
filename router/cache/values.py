"""How an answer lies in the cache: marked, checked, and compressed where that pays. Pure."""

import zlib

MAGIC = b"tt1"
PLAIN, DEFLATED = b"p", b"z"
HEADER_BYTES = len(MAGIC) + 1 + 4
COMPRESS_FROM_BYTES = 1024
DEFAULT_MAX_BYTES = 1024 * 1024


def encode(value: bytes) -> bytes:
    """Return ``value`` as it is stored."""
    checksum = zlib.crc32(value).to_bytes(4, "big")
    if len(value) >= COMPRESS_FROM_BYTES:
        deflated = zlib.compress(value, level=1)
        if len(deflated) < len(value):
            return MAGIC + DEFLATED + checksum + deflated
    return MAGIC + PLAIN + checksum + value


def decode(stored: object, *, max_bytes: int = DEFAULT_MAX_BYTES) -> bytes | None:
    """Return what was encoded, or ``None`` for anything `encode` did not make within the limit."""
    if not isinstance(stored, bytes) or len(stored) < HEADER_BYTES or stored[:3] != MAGIC:
        return None
    kind, checksum, payload = stored[3:4], stored[4:HEADER_BYTES], stored[HEADER_BYTES:]
    value = _inflate(payload, max_bytes) if kind == DEFLATED else payload
    if value is None or kind not in (PLAIN, DEFLATED) or len(value) > max_bytes:
        return None
    return value if zlib.crc32(value).to_bytes(4, "big") == checksum else None


def _inflate(payload: bytes, max_bytes: int) -> bytes | None:
    # Bounded: a few hostile kilobytes could otherwise become gigabytes.
    inflator = zlib.decompressobj()
    try:
        value = inflator.decompress(payload, max_bytes + 1)
    except zlib.error:
        return None
    return value if inflator.eof else None
