"""What a phone in a class may do: see what is voted on, vote, and tell what came of a question.

None of it can be read back: a tally is for whoever opened the room, in the process that has it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from core.server import wire
from core.server.admission import Rate
from core.server.limits import Limits
from core.server.phone.rooms import Asked, Room, RoomError, Rooms
from core.server.problems import Problem

__all__ = ["room_routes"]

BODY = 500  # bytes, at most
PER_ADDRESS = (60.0, 300)  # requests a second, and at once: a class may share an address


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    device: str = Field(max_length=64)


class Vote(_Body):
    round: int
    yes: bool


class Told(_Body):
    again: bool
    sent: int
    whole: int
    uncertainty: float | None
    seconds: float


SomeBody = TypeVar("SomeBody", bound=_Body)


def room_routes(rooms: Rooms, limits: Limits) -> APIRouter:
    """Return the routes, below the phone's page."""
    router = APIRouter(include_in_schema=False, prefix="/phone/rooms")
    small, rate = replace(limits, body_bytes=BODY), Rate(*PER_ADDRESS)

    def room_of(request: Request, code: str) -> Room:
        rate.take(request.client.host if request.client else "unknown")
        try:
            return rooms.find(code)
        except RoomError as error:
            raise Problem(404, "no_room", str(error)) from None

    async def read(request: Request, kind: type[SomeBody]) -> SomeBody:
        try:
            return kind.model_validate_json(await wire.read_body(request, small))
        except ValidationError:
            raise Problem(422, "bad_field", "This isn't a vote as agreed: reload.") from None

    @router.get("/{code}")
    async def now(request: Request, code: str) -> dict[str, Any]:
        """Return which questions are open, of which picture."""
        room = room_of(request, code)
        room.visit()
        return {"round": room.round, "open": room.open}

    @router.put("/{code}/votes/{question}", status_code=204)
    async def vote(request: Request, code: str, question: str) -> Response:
        """Take a vote."""
        room, body = room_of(request, code), await read(request, Vote)
        _refusing(lambda: room.vote(body.device, question, body.round, body.yes))
        return Response(status_code=204)

    @router.post("/{code}/asked", status_code=204)
    async def asked(request: Request, code: str) -> Response:
        """Take what came of a question."""
        room, body = room_of(request, code), await read(request, Told)
        numbers = body.model_dump(exclude={"device"})
        _refusing(lambda: room.tell(body.device, Asked(**numbers)))
        return Response(status_code=204)

    return router


def _refusing(act: Any) -> None:
    try:
        act()
    except RoomError as error:
        raise Problem(409, "closed", str(error)) from None
