"""Whose answers a request may share. Pure.

A tenant is any text; it enters keys only as a part of keyed hashes, so no name can reach into another's
entries: not ``*``, not ``a|b``, not ``{x}``, not the empty one, not a look-alike in Unicode.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, quote_from_bytes


@dataclass(frozen=True, slots=True)
class Tenants:
    """How tenants are told apart.

    Attributes:
        header: A header that a trusted gateway sets, in lower case: it divides a key's tenant further.
        shared: All are one.
    """

    header: bytes | None = None
    shared: bool = False

    def of(self, tenant: str, headers: Iterable[tuple[bytes, bytes]]) -> str:
        """Return whose answers a request shares.

        With a header it is ``<tenant of the key>/<value>``, both percent-encoded, and a value more for
        each time that the header comes again: a client cannot pass for another one by adding to it.

        Args:
            tenant: Of the client's key.
            headers: Of the request, names in lower case.
        """
        if self.shared:
            return ""
        if self.header is None:
            return tenant
        values = [
            quote_from_bytes(value, safe="") for name, value in headers if name == self.header
        ]
        return "/".join((quote(tenant, safe="", errors="surrogatepass"), *values))
