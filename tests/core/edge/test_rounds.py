"""Several looks over HTTP: as in one process, and no more than the server said."""

import httpx
import pytest

from core.edge.client import MAX_LOOKS, Client, EdgeError
from core.imaging import Codec
from core.protocol import Edge, Server, ask
from core.uncertainty import Gate
from tests.support.pixels import PixelVLM, picture
from tests.support.serving import serving

GATE = Gate("min_entropy", float("-inf"), rounds=(float("-inf"), 1.1))


def test_the_same_boxes_answers_and_bytes_as_in_one_process():
    local, looks = Server(PixelVLM(), GATE), set()
    with serving(GATE) as (url, _), Client(url, codec=Codec("jpeg", 90)) as client:
        assert client.info()["gate"]["rounds"] == ["-Infinity", 1.1]
        for index in range(8):
            image, question = picture(400, 300, spot=(40 * index, 40)), f"Question {index}?"
            result = client.ask(image, question)
            expected = ask(Edge(image, Codec("jpeg", 90)), local, question)
            assert (result.answer, result.boxes) == (expected.answer, expected.boxes)
            assert result.box == expected.boxes[-1]
            sizes = [size for e in result.exchanges for size in (e.sent, e.received)]
            assert sizes == [message.byte_count for message in expected.messages]
            looks.add(len(result.boxes))
    assert looks == {2, 3}


@pytest.mark.parametrize(
    ("said", "allowed", "most"),
    [
        ({"looks": 1}, MAX_LOOKS, 1),
        ({"looks": 3}, MAX_LOOKS, 3),
        ({"looks": 99}, MAX_LOOKS, MAX_LOOKS),
        ({"looks": 99}, 6, 6),
        ({"looks": "many"}, MAX_LOOKS, 1),  # and then what an older server says of its gate
        ({"gate": {"rounds": []}}, MAX_LOOKS, 1),
        ({"gate": {"rounds": [0, 0]}}, MAX_LOOKS, 3),
        ({"gate": {"rounds": 9}}, MAX_LOOKS, 1),
        ({"gate": 9}, MAX_LOOKS, 1),
    ],
)
def test_no_more_local_images_leave_than_the_server_said_and_the_edge_allows(said, allowed, most):
    with serving(Gate("min_entropy", float("-inf"), rounds=(float("-inf"),) * 6)) as (url, _):
        sent = []

        class Counting(httpx.HTTPTransport):
            def handle_request(self, request):
                response = super().handle_request(request)
                sent.append(request.url.path)
                return response

        with Client(url, transport=Counting(), looks=allowed) as client:
            info = client.info()
            assert info.pop("looks") == 7
            info["gate"]["rounds"] = []
            info.update(said)
            why = "may ask for 99 local images" if said == {"looks": 99} else "a crop request came"
            with pytest.raises(EdgeError, match=why):
                client.ask(picture(2000, 2000), "What?")
        assert sent.count("/v1/local-images") == most
