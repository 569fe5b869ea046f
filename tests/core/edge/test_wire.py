"""What is counted as sent is what crosses the sockets, to the byte."""

import pytest

from core.croppers import served
from core.edge.client import Client
from core.imaging import Codec
from core.protocol import Edge, Server, ask
from core.uncertainty import Gate
from tests.support.pixels import PixelVLM, picture
from tests.support.serving import serving
from tools.support.proxy import proxied

ALWAYS = float("-inf")


@pytest.mark.parametrize("rounds", [(), (ALWAYS,)], ids=["one look", "two looks"])
@pytest.mark.parametrize("cropper", served())
def test_messages_and_heads_are_all_that_crosses(cropper, rounds):
    gate, codec = Gate(threshold=ALWAYS, rounds=rounds), Codec("jpeg", 75)
    image, question = picture(400, 300), "What is bright?"
    with (
        serving(gate, cropper=cropper) as (url, _),
        proxied(url) as wire,
        Client(wire.url, codec=codec) as client,
    ):
        client.info()
        before = wire.up, wire.down
        result = client.ask(image, question)
        crossed = [after - then for after, then in zip((wire.up, wire.down), before, strict=True)]
    heads = [sum(e.head_sent for e in result.exchanges),
             sum(e.head_received for e in result.exchanges)]  # fmt: skip
    assert crossed == [result.bytes_up + heads[0], result.bytes_down + heads[1]]
    # And a transcript, from which runs and costs are drawn, counts the same messages.
    transcript = ask(Edge(image, codec), Server(PixelVLM(), gate, cropper=cropper), question)
    assert result.boxes == transcript.boxes and 1 <= len(result.boxes) <= 1 + len(rounds)
    assert cropper != "relative" or len(result.boxes) == 1 + len(rounds)
    for sender, count in (("edge", result.bytes_up), ("server", result.bytes_down)):
        assert count == sum(m.byte_count for m in transcript.messages if m.sender == sender)
