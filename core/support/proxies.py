"""What the environment says of proxies and certificates, and what of it can be used.

An HTTP client reads all of it, whatever it is to ask, and fails at a variable that it can't read:
one that it doesn't need, often, and without naming it. Here each variable is read by itself, and
only for the address that is asked. Lower case goes before upper case, as everywhere.
"""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.request import getproxies

import httpx

__all__ = ["EnvironmentFault", "Way", "faults", "mend", "way_to", "without_proxies"]

SCHEMES = ("http", "https", "all")  # each with a variable like HTTP_PROXY
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")  # the first goes before the second
SYSTEM = "The system's proxy setting"  # where no variable says anything (macOS, Windows)

# An entry of NO_PROXY: "*.example.org", "localhost:7870", "[::1]:80", "10.0.0.0/8", "http://a".
_ENTRY = re.compile(
    r"(?:(?P<scheme>\w+)://)?(?P<host>\[[^\]]*\]|[^:/\[\]]+|[\da-fA-F:.]+)"
    r"(?P<bits>/\d+)?(?::(?P<port>\d+))?/?"
)


class EnvironmentFault(ValueError):
    """A variable of the environment can't be used; the text is one sentence that names it."""


@dataclass(frozen=True)
class Way:
    """How a server is reached."""

    proxy: httpx.Proxy | None
    variable: str | None  # of the environment, that names the proxy
    certificates: ssl.SSLContext  # what is trusted


def way_to(url: httpx.URL) -> Way:
    """Return the proxy and the certificates that the environment gives for one address.

    This machine is never asked through a proxy. Raises EnvironmentFault for a variable that is
    needed for this address and can't be used.
    """
    variable, value = _proxy_variable(url)
    proxy = _proxy(variable, value) if value else None
    nothing = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # plain HTTP needs no certificates
    trusted = _certificates() if url.scheme == "https" else nothing
    return Way(proxy, variable if proxy else None, trusted)


def faults() -> dict[str, str]:
    """Return the variables that make an HTTP client fail, whatever it asks, and why."""
    found: dict[str, str] = {}
    said = getproxies()
    listed = [entry.strip() for entry in said.get("no", "").split(",") if entry.strip()]
    if "*" not in listed:
        for scheme in SCHEMES:
            if value := said.get(scheme):
                variable = _variable(f"{scheme}_proxy", value)
                try:
                    _proxy(variable, value)
                except EnvironmentFault as error:
                    found[variable] = str(error)
        if odd := [entry for entry in listed if _for_clients(entry) != entry]:
            variable = _variable("no_proxy", said["no"])
            worst = min(odd, key=_for_clients)  # one that can't be written in another way, first
            found[variable] = (
                f"{variable} has an entry that HTTP clients can't read, {worst!r}: write a host,"
                " an address or a domain, and commas between them."
            )
    if authorities := _certificates_variable():
        try:
            _certificates()
        except EnvironmentFault as error:
            found[authorities] = str(error)
    return found


def mend() -> list[str]:
    """Take what makes HTTP clients fail out of the environment; return a sentence for each thing.

    An entry of NO_PROXY that only has to be written in another way is, without a word.
    """
    said = []
    while wrong := {name: text for name, text in faults().items() if name in os.environ}:
        for name, sentence in wrong.items():
            if name.lower() != "no_proxy":
                del os.environ[name]
            else:
                entries = [_for_clients(entry) for entry in _entries()]
                os.environ[name] = ",".join(filter(None, entries))
                if all(entries):
                    continue
            said.append(f"{sentence} The page goes on without it.")
    return said


@contextmanager
def without_proxies() -> Iterator[None]:
    """Ask nothing through a proxy in this block, nor in a program started in it."""
    before = {name: os.environ.get(name) for name in ("no_proxy", "NO_PROXY")}
    os.environ |= dict.fromkeys(before, "*")
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _proxy_variable(url: httpx.URL) -> tuple[str, str | None]:
    """The variable that names the proxy for an address, and what it says."""
    said = {} if _is_here(url.host) or _is_excepted(url) else getproxies()
    scheme = url.scheme if said.get(url.scheme) else "all"
    return _variable(f"{scheme}_proxy", said.get(scheme)), said.get(scheme)


def _variable(name: str, value: str | None) -> str:
    """The variable with this name, in whatever case, that was read; or where else it comes from."""
    names = [held for held in os.environ if held.lower() == name and os.environ[held] == value]
    return next((held for held in names if held == name), next(iter(names), SYSTEM))


def _proxy(variable: str, value: str) -> httpx.Proxy:
    """Raises EnvironmentFault, without the value: it may hold a password."""
    try:
        proxy = httpx.Proxy(value if "://" in value else f"http://{value}")
    except (httpx.InvalidURL, ValueError):
        proxy = None
    port = proxy.url.port or 0 if proxy else 0
    if not (proxy and proxy.url.host and port < 65_536 and value.split() == [value]):
        raise EnvironmentFault(
            f"{variable} doesn't name a proxy that can be used: write it as http://host:port or"
            " socks5://host:port, or unset it."
        )
    if proxy.url.scheme.startswith("socks") and find_spec("socksio") is None:
        raise EnvironmentFault(
            f"{variable} names a SOCKS proxy, which needs one more package:"
            " `pip install socksio`, or unset it."
        )
    return proxy


def _certificates_variable() -> str | None:
    return next((name for name in CERTIFICATES if os.environ.get(name)), None)


def _certificates() -> ssl.SSLContext:
    """Return what httpx trusts. Raises EnvironmentFault."""
    variable = _certificates_variable()
    if variable is None:
        return httpx.create_ssl_context()
    path, kind = os.environ[variable], "file" if variable == "SSL_CERT_FILE" else "folder"
    try:
        if kind == "folder" and not os.path.isdir(path):
            raise NotADirectoryError  # OpenSSL would trust nobody, and not say why
        return httpx.create_ssl_context()
    except OSError:
        raise EnvironmentFault(
            f"{variable} names {path!r}, which isn't a {kind} of certificates that can be read:"
            " correct it, or unset it."
        ) from None


def _entries() -> list[str]:
    """Return what NO_PROXY lists."""
    return [entry for entry in re.split(r"[,\s]+", getproxies().get("no", "")) if entry]


def _for_clients(entry: str) -> str:
    """An entry of NO_PROXY as httpx reads it; "" for one that it can't."""
    entry = re.sub(r"\[([\da-fA-F:.]+)\]", r"\1", entry) if "]:" not in entry else entry
    try:
        named = f"all://[{entry}]" if isinstance(_address(entry), IPv6Address) else entry
        httpx.URL(named if "://" in named else f"all://*{entry}")
    except (httpx.InvalidURL, ValueError):
        return ""
    return entry


def _is_excepted(url: httpx.URL) -> bool:
    """Return whether NO_PROXY lists it. An entry that can't be read lists nothing."""
    return any(entry == "*" or _lists(entry, url) for entry in _entries())


def _lists(entry: str, url: httpx.URL) -> bool:
    parts = _ENTRY.fullmatch(entry)
    if parts is None or (parts["scheme"] or "all") not in ("all", url.scheme):
        return False
    port = url.port or {"http": 80, "https": 443}.get(url.scheme)
    if parts["port"] and int(parts["port"]) != port:
        return False
    address = _address(url.host)
    try:
        network = ip_network(parts["host"].strip("[]") + (parts["bits"] or ""), strict=False)
    except ValueError:
        if parts["bits"]:
            return False
        name = parts["host"].lstrip("*").strip(".").lower()
        host = url.host.rstrip(".").lower()
        return bool(name) and (host == name or host.endswith(f".{name}"))
    return address is not None and address in network


def _is_here(host: str) -> bool:
    """Return whether this is a name or an address of this machine itself."""
    name, address = host.rstrip(".").lower(), _address(host)
    address = getattr(address, "ipv4_mapped", None) or address
    if address is None:
        return name == "localhost" or name.endswith(".localhost")
    return address.is_loopback or address.is_unspecified


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
