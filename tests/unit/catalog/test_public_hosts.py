"""Which addresses are public, however they are written."""

import pytest

from productnet.catalog.public_hosts import is_public


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "2a00::1", "64:ff9b::808:808"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "::1",
        "fd00::1",
        "fe80::1%eth0",
        "::ffff:127.0.0.1",
        "2002:7f00:1::",
        "64:ff9b::7f00:1",
        # What Python takes for global, and nobody on the internet has.
        "::127.0.0.1",
        "::ffff:0:127.0.0.1",
        "64:ff9b:1::7f00:1",
        "fec0::1",
        "ff0e::1",
        "4000::1",
    ],
)
def test_addresses_within_a_network(address: str) -> None:
    assert not is_public(address)
