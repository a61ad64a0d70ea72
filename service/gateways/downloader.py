"""The guarded download: only from allowed hosts, only from public addresses, never too much."""

import asyncio
import hashlib
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import BinaryIO, TypeAlias

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from service.errors import TransientError
from service.gateways.http import Observe, ignore_call, observed, seconds_to_wait, user_agent
from service.ports import BadMediaError, TooBigMediaError

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
# Gives a host's addresses as text; what our tests answer in place of a hostile name server.
Lookup: TypeAlias = Callable[[str, int], Awaitable[Collection[str]]]

_URL_MAX = 2048
_HTTPS_PORT = 443
_CONNECT_S = 10
_CHUNK_BYTES = 256 * 1024
_OK = 200
_WORTH_ANOTHER_TRY = frozenset({408, 425, 429})
_SERVER_ERROR = 500
# The last label starts with a letter: aiohttp would not ask the resolver about a bare address.
_HOST = re.compile(r"([a-z0-9_-]+\.)*[a-z][a-z0-9-]*")
_PLAIN = re.compile(r"[!-~]+")  # Printable ASCII without a space.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = ipaddress.IPv6Network("64:ff9b:1::/48")
_V4_COMPATIBLE = ipaddress.IPv6Network("::/96")
_SITE_LOCAL = ipaddress.IPv6Network("fec0::/10")
_TEREDO = ipaddress.IPv6Network("2001::/32")


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """Where results may lie: host suffixes, and `host:port` origins that are ours to trust."""

    suffixes: frozenset[str]
    origins: frozenset[tuple[str, int]]

    @classmethod
    def parse(cls, entries: Collection[str]) -> "AllowedHosts":
        """Read the entries of KIE_RESULT_HOSTS."""
        suffixes, origins = set(), set()
        for entry in entries:
            host, colon, port = entry.lower().rpartition(":")
            if colon and port.isdigit():
                origins.add((host.strip("[]"), int(port)))
            else:
                suffixes.add(entry.lower().strip("."))
        return cls(frozenset(suffixes), frozenset(origins))

    def check(self, url: str) -> URL:
        """Give the address to fetch, or raise BadMediaError.

        What is checked is what is connected to: there is one parser, aiohttp's own.
        """
        if len(url) > _URL_MAX or not _PLAIN.fullmatch(url) or "\\" in url:
            raise BadMediaError("The result's address is too long or not plain ASCII.")
        try:
            parsed = URL(url, encoded=True)
            host, port = (parsed.raw_host or "").lower(), parsed.port
        except ValueError:
            raise BadMediaError("The result's address can't be read.") from None
        if "@" in parsed.raw_authority:
            raise BadMediaError("The result's address holds a user name.")
        if parsed.scheme in {"http", "https"} and (host, port) in self.origins:
            return parsed
        if parsed.scheme != "https" or port != _HTTPS_PORT:
            raise BadMediaError("The result's address is not https on its usual port.")
        if not _HOST.fullmatch(host) or not self._has_suffix(host):
            raise BadMediaError("The result's host is not one of KIE_RESULT_HOSTS.")
        return parsed

    def _has_suffix(self, host: str) -> bool:
        return any(host == suffix or host.endswith(f".{suffix}") for suffix in self.suffixes)


def is_public(address: str) -> bool:
    """Tell whether an address is one of the open internet, whatever it is wrapped in."""
    try:
        real = _unwrapped(ipaddress.ip_address(address))
    except ValueError:
        return False
    return real is not None and real.is_global and not (real.is_multicast or real.is_reserved)


@dataclass(frozen=True, slots=True)
class Downloaded:
    """What a download came to."""

    size_bytes: int
    sha256: bytes


@dataclass(slots=True)
class _Tally:
    size_bytes: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)


class Downloader:
    """Fetches results into open files, a few at once."""

    def __init__(
        self,
        allowed: AllowedHosts,
        *,
        size_max_bytes: int,
        concurrency: int = 4,
        total_s: float = 120,
        stall_s: float = 20,
        lookup: Lookup | None = None,
        observe: Observe = ignore_call,
    ) -> None:
        self._allowed = allowed
        self._size_max_bytes = size_max_bytes
        self._slots = asyncio.Semaphore(concurrency)
        self._total_s = total_s
        self._stall_s = stall_s
        self._resolver = _GuardedResolver(allowed, lookup or _look_up)
        self._observe = observe
        self._session: aiohttp.ClientSession | None = None

    async def download(self, url: str, into: BinaryIO) -> Downloaded:
        """Write what lies at the address into the file. Raises BadMediaError, TransientError."""
        address = self._allowed.check(url)
        try:
            async with asyncio.timeout(self._total_s):
                await self._slots.acquire()
        except TimeoutError:
            raise TransientError("Too many results are being fetched; try again.") from None
        try:
            with observed(self._observe, peer="results", method="download"):
                return await self._stream(address, into)
        finally:
            self._slots.release()

    async def close(self) -> None:
        """Close the connections; safe to repeat."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def _stream(self, address: URL, into: BinaryIO) -> Downloaded:
        tally = _Tally()
        try:
            async with self._opened().get(address, allow_redirects=False) as response:
                _check_status(response)
                if (response.content_length or 0) > self._size_max_bytes:
                    raise self._too_big()
                async for chunk in response.content.iter_chunked(_CHUNK_BYTES):
                    tally.size_bytes += len(chunk)
                    if tally.size_bytes > self._size_max_bytes:
                        raise self._too_big()
                    tally.digest.update(chunk)
                    into.write(chunk)
        except (aiohttp.ClientError, TimeoutError) as error:
            # A body shorter than its Content-Length ends here too, as a ClientPayloadError.
            cause = type(error).__name__
            raise TransientError(f"The result was not fetched to its end ({cause}).") from None
        return Downloaded(tally.size_bytes, tally.digest.digest())

    def _too_big(self) -> TooBigMediaError:
        return TooBigMediaError(f"The result is larger than {self._size_max_bytes} bytes.")

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            # Each download has a connection of its own, so that each is resolved and checked; the
            # session holds no key and no cookies, and takes the bytes as they are.
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(
                    resolver=self._resolver, use_dns_cache=False, force_close=True
                ),
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
                headers={"User-Agent": user_agent(), "Accept-Encoding": "identity"},
                timeout=aiohttp.ClientTimeout(
                    total=self._total_s, connect=_CONNECT_S, sock_read=self._stall_s
                ),
            )
        return self._session


class _GuardedResolver(AbstractResolver):
    """Resolves once, refuses a host with any private address; aiohttp connects to what it gives."""

    def __init__(self, allowed: AllowedHosts, lookup: Lookup) -> None:
        self._allowed = allowed
        self._lookup = lookup

    async def resolve(
        self,
        host: str,
        port: int = 0,
        family: socket.AddressFamily = socket.AF_UNSPEC,  # noqa: ARG002 - aiohttp's signature
    ) -> list[ResolveResult]:
        """Give the host's addresses, all of them allowed, or raise BadMediaError."""
        addresses = await self._lookup(host, port)
        if not addresses:
            raise OSError("The result's host has no address.")
        trusted = (host.lower(), port) in self._allowed.origins
        if not trusted and not all(map(is_public, addresses)):
            raise BadMediaError("The result's host has an address that is not public.")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Hold nothing."""


async def _look_up(host: str, port: int) -> Collection[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def _unwrapped(address: Address) -> Address | None:
    """Give the address that packets reach in the end; None for forms nobody serves results on."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.scope_id is not None:
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    odd = (_V4_COMPATIBLE, _NAT64_LOCAL, _SITE_LOCAL, _TEREDO)
    return None if any(address in network for network in odd) else address


def _check_status(response: aiohttp.ClientResponse) -> None:
    status = response.status
    if status == _OK:
        return
    if status >= _SERVER_ERROR or status in _WORTH_ANOTHER_TRY:
        raise TransientError(
            f"The result's host answered HTTP {status}.",
            retry_after=seconds_to_wait(response.headers.get("Retry-After")),
        )
    raise BadMediaError(f"The result is not there: its host answered HTTP {status}.")
