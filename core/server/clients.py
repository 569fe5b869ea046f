"""Who asks: a client is a token where there are any, and an address where there are none."""

import hmac
import os
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from core.server.admission import Rate
from core.server.problems import Problem
from core.support.headers import TOKEN

__all__ = ["identified", "tokens_of_environment"]

BEARER = HTTPBearer(auto_error=False, description="Only where the server was given tokens.")


def tokens_of_environment() -> list[str]:
    """Return the bearer tokens in SECOND_LOOK_TOKEN: one or several, separated by white space."""
    return os.environ.get(TOKEN, "").split()


def identified(tokens: Sequence[str], rate: Rate) -> Callable[..., Awaitable[str]]:
    """Return a dependency that names the client of a request, within its rate.

    It raises Problem for a request that shows none of the tokens, if there are any, and for one
    too many.
    """

    async def client(
        request: Request, shown: Annotated[HTTPAuthorizationCredentials | None, Depends(BEARER)]
    ) -> str:
        name = request.client.host if request.client else "unknown"
        if tokens:
            proof = (shown.credentials if shown else "").encode("latin-1")  # as it came
            matches = [hmac.compare_digest(proof, token.encode()) for token in tokens]
            if not any(matches):
                text = "Send the server's token as Authorization: Bearer …"
                raise Problem(401, "unauthorized", text, WWW_Authenticate="Bearer")
            name = f"token {matches.index(True)}"
        rate.take(name)
        return name

    return client
