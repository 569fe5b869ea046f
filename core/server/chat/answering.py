"""A chat's images and text as messages of the protocol, at the machine with the model."""

from __future__ import annotations

from core.imaging import Codec, ImageError, downscale
from core.messages import LocalImage, MessageError, Question, check_question
from core.server.chat.forms import Asked
from core.server.machine import Reply, Server

__all__ = ["answer"]


def answer(server: Server, asked: Asked, age: float) -> Reply:
    """Answer from one image (the first stage) or from both (the second one). age: seconds since it
    was asked.

    An image of more pixels than the model reads is brought to it here, as an edge would have done.
    Raises what `Server.handle` raises.
    """
    question = check_question(asked.question)
    image_format, data, size = _brought(server, *asked.images[0])
    message = Question(asked.original_size or size, data, image_format, question)
    if len(asked.images) == 1:
        return server.handle(message, age)
    local_format, local, _ = _brought(server, *asked.images[1])
    if asked.session is None:
        return server.answer_both(message, LocalImage("none", local, local_format))
    if server.sessions.get(asked.session).message.question != question:
        raise MessageError("The session is of another question: ask this one without it.")
    return server.handle(LocalImage(asked.session, local, local_format), age)


def _brought(server: Server, name: str, data: bytes) -> tuple[str, bytes, tuple[int, int]]:
    """Format and bytes of an image as the model takes it, and its size as it came."""
    try:
        image = Codec(name).decode(data)
    except ImageError as error:
        raise MessageError(f"An image can't be used: {error}") from None
    fit = server.fit
    if fit.size(image.size) == image.size and fit.covered(image.size) == 1:
        return name, data, image.size
    return "png", Codec("png").encode(downscale(image, fit)), image.size
