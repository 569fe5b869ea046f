"""What is counted as sent is what crosses the sockets, to the byte."""

import pytest

from core.croppers import CROPPERS, served
from core.edge.client import Client
from core.imaging import Codec
from core.protocol import Edge, Server, ask
from core.uncertainty import Gate
from tests.support.pixels import PixelVLM, picture
from tests.support.serving import serving
from tools.support.proxy import proxied

ALWAYS = float("-inf")


@pytest.mark.parametrize(
    ("cropper", "looks"),
    [(name, looks) for name in served() for looks in (1, 2) if looks == 1
     or not CROPPERS[name].parts],  # which go on looking by themselves
)  # fmt: skip
def test_messages_and_heads_are_all_that_crosses(cropper, looks):
    rounds = (ALWAYS,) * (looks - 1)
    gate, codec = Gate(threshold=ALWAYS, rounds=rounds), Codec("jpeg", 75)
    image, question = picture(400, 300), "What is bright?"
    with (
        serving(gate, cropper=cropper) as (url, _),
        proxied(url) as wire,
        Client(wire.url, codec=codec, looks=looks + CROPPERS[cropper].parts) as client,
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
    requests = sum(message.kind == "crop request" for message in transcript.messages)
    assert len(result.boxes) == requests >= 1
    assert result.box == transcript.boxes[-1]  # of a search: what is answered from
    if cropper == "tree":
        assert requests > 2  # each part that it sees first is a round trip
    if cropper == "relative":
        assert result.boxes == transcript.boxes and requests == looks
    for sender, count in (("edge", result.bytes_up), ("server", result.bytes_down)):
        assert count == sum(m.byte_count for m in transcript.messages if m.sender == sender)
