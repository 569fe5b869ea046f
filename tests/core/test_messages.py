"""Messages: their bytes, the way back, and what they refuse."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cropping import Box
from core.messages import (
    Answer,
    CropRequest,
    LocalImage,
    Message,
    MessageError,
    ProtocolError,
    Question,
    QuestionError,
    SecondLook,
)

sides = st.integers(1, 1_000_000)
payloads = st.binary(min_size=1, max_size=200)
sessions = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64)
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60)
formats = st.sampled_from(["jpeg", "webp", "avif", "png"])


@st.composite
def boxes(draw):
    left, right = sorted(draw(st.lists(st.integers(0, 9999), min_size=2, max_size=2, unique=True)))
    top, bottom = sorted(draw(st.lists(st.integers(0, 9999), min_size=2, max_size=2, unique=True)))
    return Box(left, top, right, bottom)


messages = st.one_of(
    st.builds(
        Question, st.tuples(sides, sides), payloads, formats, words.filter(lambda w: w.strip())
    ),
    st.builds(Answer, words, st.none() | sessions),
    st.builds(SecondLook, sessions),
    st.builds(CropRequest, sessions, boxes()),
    st.builds(LocalImage, sessions, payloads, formats),
)


def by_hand(header: dict, payload: bytes = b"") -> bytes:
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    return len(text).to_bytes(4, "big") + text + payload


@given(messages)
def test_every_message_survives_the_wire(message):
    data = message.to_bytes()
    assert type(message).from_bytes(data) == message
    assert Message.from_bytes(data) == message
    assert message.byte_count == len(data)
    assert message.image_bytes == len(getattr(message, "image", b""))


@pytest.mark.parametrize(
    ("message", "header", "payload"),
    [
        (
            Question((4000, 3000), b"\xff\xd8pixels", "jpeg", "  Wie heißt der Ort? "),
            {
                "kind": "question",
                "original_size": [4000, 3000],
                "image_format": "jpeg",
                "question": "Wie heißt der Ort?",
            },
            b"\xff\xd8pixels",
        ),
        (Answer("a sign", "s1"), {"kind": "answer", "text": "a sign", "session": "s1"}, b""),
        (Answer("a sign"), {"kind": "answer", "text": "a sign", "session": None}, b""),
        (SecondLook("s1"), {"kind": "second look", "session": "s1"}, b""),
        (
            CropRequest("s1", Box(1, 2, 30, 40)),
            {"kind": "crop request", "session": "s1", "box": [1, 2, 30, 40]},
            b"",
        ),
        (
            LocalImage("s1", b"pixels", "png"),
            {"kind": "local image", "session": "s1", "image_format": "png"},
            b"pixels",
        ),
    ],
)
def test_bytes_are_those_of_the_documented_layout(message, header, payload):
    assert message.to_bytes() == by_hand(header, payload)


question_header = {
    "kind": "question",
    "original_size": [40, 30],
    "image_format": "png",
    "question": "What?",
}


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x00\x00",
        b"\x00\x00\x00\x00",
        b"\xff\xff\xff\xff" + b"{}",
        b"\x00\x00\x00\x02\xff\xff",
        b"\x00\x00\x00\x02[]",
        (60_000).to_bytes(4, "big") + b"[" * 60_000,
        by_hand({"kind": ["question"]}),
        by_hand({"kind": "farewell"}),
        by_hand({"text": "no kind", "session": None}),
        by_hand({"kind": "answer", "text": "no session"}),
        by_hand({"kind": "answer", "text": "more", "session": None, "extra": 1}),
        by_hand({"kind": "answer", "text": 3, "session": None}),
        by_hand({"kind": "answer", "text": "a payload", "session": None}, b"?"),
        by_hand({"kind": "answer", "text": "long session", "session": "s" * 65}),
        by_hand({"kind": "second look", "session": ""}),
        by_hand({"kind": "crop request", "session": "s", "box": [0, 0, 0, 5]}),
        by_hand({"kind": "crop request", "session": "s", "box": [-1, 0, 5, 5]}),
        by_hand({"kind": "crop request", "session": "s", "box": [5, 0, 1, 5]}),
        by_hand({"kind": "crop request", "session": "s", "box": [0, 0, 5.0, 5]}),
        by_hand({"kind": "crop request", "session": "s", "box": "1234"}),
        by_hand({"kind": "local image", "session": "s", "image_format": "png"}),
        by_hand({"kind": "local image", "session": "s", "image_format": 1}, b"x"),
        by_hand(question_header),
        by_hand(question_header | {"image": "x"}),
        by_hand(question_header | {"image": "x"}, b"x"),
        by_hand(question_header | {"original_size": [0, 30]}, b"x"),
        by_hand(question_header | {"original_size": [True, 30]}, b"x"),
        by_hand(question_header | {"original_size": [40]}, b"x"),
        by_hand(question_header | {"original_size": [10**9, 30]}, b"x"),
    ],
)
def test_malformed_bytes_are_a_message_error(data):
    with pytest.raises(MessageError):
        Message.from_bytes(data)


def test_a_header_of_more_than_64_kib_is_not_even_parsed():
    with pytest.raises(MessageError, match="cut short or isn't one"):
        Message.from_bytes(by_hand({"kind": "answer", "text": "x" * 65_536, "session": None}))


def test_a_message_of_another_kind_is_refused_where_one_is_expected():
    data = Answer("yes").to_bytes()
    with pytest.raises(MessageError, match="crop request"):
        CropRequest.from_bytes(data)


@given(messages, st.data())
def test_damaged_bytes_raise_nothing_but_protocol_errors(message, data):
    damaged = bytearray(message.to_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    del damaged[data.draw(st.integers(0, len(damaged))) :]
    try:
        Message.from_bytes(bytes(damaged))
    except ProtocolError as error:
        assert str(error)


@given(st.binary(max_size=300))
def test_random_bytes_raise_nothing_but_protocol_errors(data):
    with pytest.raises(ProtocolError):
        Message.from_bytes(data)


@pytest.mark.parametrize(
    ("question", "advice"),
    [("", "type one"), (" \n\t ", "type one"), ("x" * 10_000, "10,000.*shorten it to 1,000")],
)
def test_a_question_that_cannot_be_asked_says_what_to_do(question, advice):
    with pytest.raises(QuestionError, match=advice):
        Question((40, 30), b"x", "png", question)
    with pytest.raises(QuestionError, match=advice):  # nor does the server accept it by the wire
        Message.from_bytes(by_hand(question_header | {"question": question}, b"x"))


@pytest.mark.parametrize("question", [None, 7, "\ud800"])
def test_what_is_not_text_is_no_question(question):
    with pytest.raises(QuestionError):
        Question((40, 30), b"x", "png", question)


def test_a_thousand_characters_of_any_script_fit():
    for character in ("x", "😀", "\x01"):  # 1, 4 and (escaped) 6 bytes each
        message = Question((40, 30), b"x", "png", character * 1_000)
        assert Question.from_bytes(message.to_bytes()) == message
