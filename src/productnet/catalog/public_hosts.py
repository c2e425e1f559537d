"""Requests to public hosts only, for URLs that people give: nothing inside the network is asked.

A name is resolved here and the connection made to the very address that was checked, so that a
name cannot mean one address while it is checked and another afterwards. Redirects are requests
too. A proxy named by the environment is passed by: it would resolve names by itself.
"""

import asyncio
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import httpx

# RFC 4291: what else IPv6 has is local, reserved, or was given up; Python takes some for global.
_GLOBAL_UNICAST = IPv6Network("2000::/3")

# RFC 6052: IPv6 addresses that a gateway turns into the IPv4 address of their last 32 bits.
_NAT64 = IPv6Network("64:ff9b::/96")


class OutsideHost(Exception):
    """A host is not public, so it was not asked."""


class PublicHosts(httpx.AsyncBaseTransport):
    """Sends requests to hosts all of whose addresses are public.

    Args:
        allowed: Hosts that are asked whatever their address.
    """

    def __init__(self, *, allowed: Iterable[str] = ()) -> None:
        self._allowed = {host.lower() for host in allowed}
        self._inner = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Raises OutsideHost for a host that is not public."""
        url = request.url
        if url.scheme not in ("http", "https"):
            raise httpx.UnsupportedProtocol("only http:// and https:// are fetched")
        if url.host.lower() in self._allowed:
            return await self._inner.handle_async_request(request)
        addresses = await _addresses(request)
        for address in addresses:
            if not is_public(address):
                raise OutsideHost(f"{url.host} is at {address}, which is not a public address")
        for address in addresses[:-1]:
            try:
                return await self._send_to(address, request)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue
        return await self._send_to(addresses[-1], request)

    async def _send_to(self, address: str, request: httpx.Request) -> httpx.Response:
        pinned = httpx.Request(
            request.method,
            request.url.copy_with(host=address),
            headers=request.headers,  # which name the host asked for
            stream=request.stream,
            extensions={**request.extensions, "sni_hostname": request.url.host},
        )
        return await self._inner.handle_async_request(pinned)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._inner.aclose()


def is_public(text: str) -> bool:
    """Whether anybody on the internet could reach this address."""
    address = ip_address(text)
    if isinstance(address, IPv6Address):
        address = _ipv4_within(address) or address
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not address.is_multicast


def _ipv4_within(address: IPv6Address) -> IPv4Address | None:
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


async def _addresses(request: httpx.Request) -> list[str]:
    """The addresses of the host, the preferred one first."""
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(request.url.host, None, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        raise httpx.ConnectError(str(error), request=request) from error
    return [str(address[0]) for *_, address in found]
