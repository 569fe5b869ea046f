"""What edge and server agree on about HTTP, and how both count its bytes."""

from collections.abc import Iterable

COMPACT = "application/vnd.second-look"
"""Media type of a body that is one message, as core/messages.py packs it."""

UNCERTAINTY = "Second-Look-Uncertainty"
"""Header beside a compact reply to a question: G_avg (eq. 9) of the first answer."""

WAITED = "Second-Look-Waited"
"""Header of a question: seconds that it waited at its edge before it was sent."""

FIRST_ANSWER = "Second-Look-First-Answer"
"""Header beside a compact crop request: the first answer, UTF-8, percent-encoded. On a shared link,
where it stands if the local image or its answer comes too late, and for an edge that prefers it."""

PREFER_FIRST = "first-answer"
"""What an edge puts into `Prefer` (RFC 7240) to be told the first answer beside a crop request."""

SKIPPED = "Second-Look-Skipped"
"""Header beside a compact answer on a shared link: why no local image was asked for, "late"
or "dear"."""

BOX = "Second-Look-Box"
"""Header beside a compact answer that ends a search: left,top,right,bottom, in pixels of the
original, of the local image that it is from. The edge sent it, but maybe not as the last."""

TOKEN = "SECOND_LOOK_TOKEN"
"""Environment variable with the bearer token, or, for a server, several."""


def head_bytes(line: str, headers: Iterable[tuple[bytes, bytes]]) -> int:
    """Bytes of a head on the wire: the request or status line, headers, and the empty line.

    Each header takes a colon, a space and a line end beside its name and value.
    """
    return len(line) + 2 + sum(len(name) + len(value) + 4 for name, value in headers) + 2
