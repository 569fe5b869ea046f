"""Algorithm 1 end to end, on a small model whose answers are a function of the pixels it gets."""

import io
import subprocess
import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageChops

from core.attention import relative_attention
from core.cost import prefill_flops
from core.cropping import Box, find_box
from core.imaging import Codec, Fit, ImageError, crop_local, downscale
from core.protocol import (
    Answer,
    CropRequest,
    Edge,
    LocalImage,
    Message,
    MessageError,
    ProtocolError,
    Question,
    QuestionError,
    SecondLook,
    Server,
    SessionExpired,
    Sessions,
    Transcript,
    ask,
    attention_at,
    first_stage,
    second_stage,
)
from core.uncertainty import METRICS, Gate, token_scores
from core.vlm.base import Generation
from tests.support.pixels import GRID, SIDE, UNIFORM, PixelVLM, picture

ALWAYS, NEVER = Gate("min_entropy", 0.0), Gate("min_entropy", float("inf"))


@pytest.fixture
def vlm():
    return PixelVLM()


@pytest.fixture
def edge():
    return Edge(picture(), Codec("jpeg", 80), Codec("png"))


def session_of(reply) -> str:
    return reply.message.session


def question_bytes(image=None, original_size=None, text="What?", image_format="png", data=None):
    image = image or picture().resize((32, 16))
    data = Codec("png").encode(image) if data is None else data
    return Question(original_size or (200, 100), data, image_format, text).to_bytes()


# What goes over the link.


def test_open_gate_runs_both_stages(vlm, edge):
    t = ask(edge, Server(vlm, ALWAYS), "  What is bright? ")
    assert t.question == "What is bright?"
    assert (t.model, t.revision, t.gate) == ("pixels", "r1", ALWAYS)
    assert [m.kind for m in t.messages] == ["question", "crop request", "local image", "answer"]
    assert [m.sender for m in t.messages] == ["edge", "server", "edge", "server"]
    assert t.retransmitted and t.uncertain and not t.forced
    assert t.answer == t.second.answer == t.messages[-1].text
    assert t.answer != t.first_answer


def test_closed_gate_stops_after_the_first_answer(vlm, edge):
    t = ask(edge, Server(vlm, NEVER), "What is bright?")
    assert [m.kind for m in t.messages] == ["question", "answer"]
    assert t.answer == t.first_answer == t.messages[-1].text
    assert not t.retransmitted and not t.uncertain and not t.forced
    assert (t.second, t.local_image, t.box, t.attention) == (None, None, None, None)


def test_forcing_costs_the_edge_one_more_message(vlm, edge):
    t = ask(edge, Server(vlm, NEVER), "What is bright?", force=True)
    assert [m.kind for m in t.messages] == [
        "question",
        "answer",
        "second look",
        "crop request",
        "local image",
        "answer",
    ]
    assert t.forced and t.retransmitted and not t.uncertain
    chosen_by_gate = ask(edge, Server(vlm, ALWAYS), "What is bright?", force=True)
    assert not chosen_by_gate.forced  # nothing to force
    assert (t.first, t.second, t.box, t.attention) == (
        chosen_by_gate.first,
        chosen_by_gate.second,
        chosen_by_gate.box,
        chosen_by_gate.attention,
    )


@pytest.mark.parametrize("gate", [ALWAYS, NEVER])
@pytest.mark.parametrize("size", [(200, 100), (33, 500), (20, 10), (4000, 1), (1, 1)])
def test_every_message_has_the_bytes_of_its_hand_made_twin(vlm, gate, size):
    image = picture(*size, spot=(0, 0))
    t = ask(Edge(image, Codec("webp", 50), Codec("png")), Server(vlm, gate), "Was?", force=True)

    sent = Fit("pad", (SIDE, SIDE)).size(size)
    small = image.resize(sent, Image.Resampling.LANCZOS, reducing_gap=3)
    crop = crop_local(image, t.box, (SIDE, SIDE))
    twins = [Question(size, Codec("webp", 50).encode(small), "webp", "Was?")]
    if gate is NEVER:
        twins += [Answer(t.first_answer, t.session), SecondLook(t.session)]
    twins += [
        CropRequest(t.session, t.box),
        LocalImage(t.session, Codec("png").encode(crop), "png"),
        Answer(t.second.answer),
    ]
    assert [m.byte_count for m in t.messages] == [len(twin.to_bytes()) for twin in twins]
    assert [m.image_bytes for m in t.messages] == [twin.image_bytes for twin in twins]
    assert [m.kind for m in t.messages] == [twin.kind for twin in twins]
    assert t.global_image.data == twins[0].image
    assert t.local_image.data == twins[-2].image
    assert t.messages[0].byte_count > t.messages[0].image_bytes == len(t.global_image.data)


def test_closed_gate_encodes_no_local_image(vlm, monkeypatch):
    sizes = []
    encode = Codec.encode

    def counting(codec, image):
        sizes.append(image.size)
        return encode(codec, image)

    monkeypatch.setattr(Codec, "encode", counting)
    monkeypatch.setattr(Edge, "crop", lambda *_: pytest.fail("nothing was to be cropped"))
    ask(Edge(picture()), Server(vlm, NEVER), "What?")
    assert sizes == [(32, 16)]  # the global image, and nothing else


def test_the_model_sees_what_was_sent_and_never_the_original(vlm, edge):
    t = ask(edge, Server(vlm, ALWAYS), "What?")
    as_sent = [t.global_image.open(), t.local_image.open()]
    assert len(vlm.seen) == 2
    for image, sent in zip(vlm.seen, as_sent, strict=True):
        assert image.size == sent.size and image.size <= (SIDE, SIDE)
        assert ImageChops.difference(image, sent).getbbox() is None
    lossless = downscale(edge.image, (SIDE, SIDE))
    assert ImageChops.difference(vlm.seen[0], lossless).getbbox() is not None  # JPEG's traces


def test_the_bytes_are_all_a_server_needs(vlm, edge):
    """Another server, another process for all it knows: same messages, same everything."""
    t = ask(edge, Server(vlm, ALWAYS), "What?")

    server = Server(PixelVLM(), ALWAYS)
    image = t.global_image
    first = server.receive(
        Question(t.original_size, image.data, image.format, t.question).to_bytes()
    )
    request = CropRequest.from_bytes(first.message.to_bytes())
    local = t.local_image
    second = server.receive(LocalImage(request.session, local.data, local.format).to_bytes())
    assert (first.stage, first.attention, request.box) == (t.first, t.attention, t.box)
    assert second.stage == t.second
    assert second.message == Answer(t.answer)


@pytest.mark.parametrize("gate", [ALWAYS, NEVER])
def test_every_message_is_read_once_by_whoever_gets_it(vlm, edge, gate, monkeypatch):
    read, real = [], Message.from_bytes.__func__

    def counting(cls, data):
        message = real(cls, data)
        read.append(message.kind)
        return message

    monkeypatch.setattr(Message, "from_bytes", classmethod(counting))
    t = ask(edge, Server(vlm, gate), "What?", force=True)
    assert read == [message.kind for message in t.messages]


def test_a_typed_message_gets_what_its_bytes_get(vlm, edge):
    server = Server(vlm, ALWAYS)
    question = edge.question("What?", edge.resize(server.fit))
    typed, read = server.handle(question), server.receive(question.to_bytes())
    assert (typed.stage, typed.attention) == (read.stage, read.attention)
    assert typed.message.box == read.message.box
    with pytest.raises(MessageError, match="Send the server a question"):
        server.handle(Answer("STOP"))


def test_as_many_local_images_as_the_server_allows(vlm, edge):
    server = Server(vlm, NEVER, looks=2)
    opened = first_stage(edge, server, "What?")
    own = second_stage(edge, server, opened)
    other = second_stage(edge, server, opened, Box(0, 0, 20, 20))
    assert own.second == ask(edge, Server(vlm, ALWAYS), "What?").second
    assert other.box == Box(0, 0, 20, 20) != own.box
    with pytest.raises(SessionExpired):
        second_stage(edge, server, opened)
    assert server.sessions.nbytes == 0


def test_each_codec_serves_its_own_image(vlm):
    t = ask(Edge(picture(), Codec("jpeg", 30), Codec("png")), Server(vlm, ALWAYS), "What?")
    assert (t.global_image.format, t.local_image.format) == ("jpeg", "png")
    t = ask(Edge(picture(), Codec("webp")), Server(vlm, ALWAYS), "What?")
    assert (t.global_image.format, t.local_image.format) == ("webp", "webp")


# What is computed.


def test_scores_of_every_metric_are_those_of_the_raw_logits(vlm, edge):
    t = ask(edge, Server(vlm, ALWAYS), "What?")
    generation = vlm.answer(vlm.look(t.global_image.open()), "What?")
    for name in METRICS:
        expected = token_scores(generation.logits, name, generation.attention)
        np.testing.assert_array_equal(t.scores[name], expected)
    assert t.first.token_ids == generation.token_ids
    assert t.uncertainty == pytest.approx(np.mean(t.scores["min_entropy"]))


def test_a_token_comes_with_its_four_likeliest_rivals(vlm, edge):
    t = ask(edge, Server(vlm, NEVER), "What?")
    logits = vlm.answer(vlm.look(t.global_image.open()), "What?").logits.astype(np.float64)
    for row, token, bits in zip(logits, t.tokens, t.scores["min_entropy"], strict=True):
        odds = np.exp(row)
        order = np.argsort(-odds)[:5]
        assert [text for text, _ in token.alternatives] == [f"<{i}>" for i in order]
        np.testing.assert_allclose([p for _, p in token.alternatives], odds[order] / odds.sum())
        assert token.alternatives[0][0] == token.text
        assert -np.log2(token.alternatives[0][1]) == pytest.approx(bits)  # eq. 15


def test_a_vocabulary_smaller_than_the_list_is_listed_whole(vlm, edge, monkeypatch):
    generation = Generation("a", (2,), ("a",), np.float32([[0, 1, 2]]), UNIFORM)
    monkeypatch.setattr(PixelVLM, "answer", lambda *_: generation)
    (token,) = ask(edge, Server(vlm, NEVER), "What?").tokens
    assert [text for text, _ in token.alternatives] == ["a", "<1>", "<0>"]


@pytest.mark.parametrize("metric", list(METRICS))
def test_the_gate_decides_on_its_own_metric(vlm, edge, metric):
    value = ask(edge, Server(vlm, Gate(metric, 0.0)), "What?").uncertainty
    sign = 1 if METRICS[metric].higher_is_uncertain else -1
    at, beyond = Gate(metric, value), Gate(metric, value + sign * 1e-6)
    assert ask(edge, Server(vlm, at), "What?").retransmitted
    assert not ask(edge, Server(vlm, beyond), "What?").retransmitted


def test_attention_and_box_are_those_of_the_global_image(vlm):
    sign = Box(310, 210, 390, 290)
    image = Image.new("RGB", (400, 300))
    image.paste("white", sign.as_tuple())
    t = ask(Edge(image), Server(vlm, ALWAYS), "What?")
    look = vlm.look(t.global_image.open())
    question, generic = vlm.attend(look, "What?"), vlm.attend(look, "Describe.")
    relative = relative_attention(question, generic, GRID)
    np.testing.assert_array_equal(t.attention.question, question.reshape(GRID))
    np.testing.assert_array_equal(t.attention.generic, generic.reshape(GRID))
    np.testing.assert_array_equal(t.attention.relative, relative)
    assert t.attention.extent == (0, -50, 400, 350)  # padded to a square of 400 pixels
    assert t.box == find_box(relative, (400, 300), SIDE, extent=t.attention.extent)
    assert t.box != find_box(relative, (400, 300), SIDE)  # without the geometry, it would be off
    assert t.box.contains(sign)


def test_attention_at_the_models_own_layer_is_that_of_the_transcript(llava):
    rng = np.random.default_rng(3)
    image = Image.fromarray(rng.integers(0, 256, (300, 500, 3), dtype=np.uint8))
    t = ask(Edge(image), Server(llava, ALWAYS), "What is it?")
    own = llava.info.attention_layer
    attention, box = attention_at(llava, t, own)
    np.testing.assert_allclose(attention.relative, t.attention.relative, rtol=1e-4)
    assert (box, attention.extent) == (t.box, t.attention.extent)
    other, _ = attention_at(llava, t, own + 1)
    assert not np.allclose(other.question, attention.question, rtol=1e-2)
    for layer in (-1, llava.info.layers):
        with pytest.raises(ValueError, match="layer must be 0 to"):
            attention_at(llava, t, layer)


def test_weights_that_are_no_numbers_count_as_no_attention(vlm, edge, monkeypatch):
    row = UNIFORM.copy()
    row[[3, 9]] = np.nan, np.inf
    monkeypatch.setattr(PixelVLM, "attend", lambda *_: row)
    t = ask(edge, Server(vlm, ALWAYS), "What?")
    assert (t.attention.question[0][3], t.attention.generic[1][1]) == (0, 0)
    assert Transcript.from_json(t.to_json()) == t


def test_the_local_image_is_the_box_of_the_original(vlm, edge):
    t = ask(edge, Server(vlm, ALWAYS), "What?")
    crop = edge.image.crop(t.box.as_tuple())
    expected = crop.resize(Fit("pad", (SIDE, SIDE)).size(crop.size), Image.Resampling.LANCZOS)
    difference = ImageChops.difference(t.local_image.open(), expected)
    assert max(high for _, high in difference.getextrema()) <= 2  # sent as PNG


def test_steps_carry_seconds_and_the_papers_flops(vlm, edge):
    t = ask(edge, Server(vlm, ALWAYS), "What?")
    assert [(s.name, s.where) for s in t.steps] == [
        ("resize", "edge"),
        ("encode global", "edge"),
        ("decode global", "server"),
        ("first answer", "server"),
        ("score tokens", "server"),
        ("relative attention", "server"),
        ("find box", "server"),
        ("crop", "edge"),
        ("encode local", "edge"),
        ("decode local", "server"),
        ("second answer", "server"),
        ("score tokens", "server"),
    ]
    assert all(s.seconds >= 0 for s in t.steps) and sum(s.seconds for s in t.steps) > 0
    flops = {s.name: s.flops for s in t.steps if s.flops is not None}
    once, twice = prefill_flops(64, 8, 2), prefill_flops(128, 8, 2)
    assert flops == {"first answer": once, "relative attention": once, "second answer": twice}
    assert all(s.exact_flops is None for s in t.steps)  # this model doesn't count


def test_steps_carry_what_was_executed_too(llava):
    edge = Edge(picture(), Codec("png"))
    t = ask(edge, Server(llava, ALWAYS), "What?")
    exact = {s.name: s.exact_flops for s in t.steps if s.exact_flops is not None}
    assert list(exact) == ["first answer", "relative attention", "second answer"]
    look = llava.look(t.global_image.open())
    with llava.tally() as tally:
        first = [token.id for token in t.first.tokens]
        llava.answer(look, "What?", t.local_image.open(), draft=first)
    assert exact["second answer"] == tally.flops > exact["relative attention"] > 0


@pytest.mark.parametrize("gate", [ALWAYS, NEVER])
@pytest.mark.parametrize("force", [True, False])
def test_a_real_transcript_survives_json(vlm, edge, gate, force):
    t = ask(edge, Server(vlm, gate), "Où?", force)
    assert Transcript.from_json(t.to_json()) == t


def test_the_edge_remembers_the_size_of_the_original_file(tmp_path):
    data = Codec("png").encode(picture())
    (tmp_path / "picture.png").write_bytes(data)
    assert Edge(data).original_bytes == len(data)
    assert Edge(tmp_path / "picture.png").original_bytes == len(data)
    assert Edge(str(tmp_path / "picture.png")).original_bytes == len(data)
    assert Edge(picture()).original_bytes is None
    assert Edge(io.BytesIO(data)).original_bytes is None


def test_an_edge_takes_pillow_images_of_any_mode_and_refuses_what_is_no_image():
    assert Edge(picture().convert("RGBA")).image.mode == "RGB"
    with pytest.raises(ImageError):
        Edge(b"not an image")


# Looking elsewhere, and again.


def test_stages_run_one_by_one_are_those_of_ask(vlm, edge):
    server = Server(vlm, ALWAYS)
    first = first_stage(edge, server, "What?")
    assert first.box is not None and not first.retransmitted and first.answer == first.first_answer
    both, asked = second_stage(edge, server, first), ask(edge, server, "What?")
    assert (both.first, both.second, both.box) == (asked.first, asked.second, asked.box)
    assert [m.kind for m in both.messages] == [m.kind for m in asked.messages]


@pytest.mark.parametrize(("gate", "forced"), [(ALWAYS, False), (NEVER, True)])
def test_a_box_of_the_users_replaces_the_servers(vlm, edge, gate, forced):
    server = Server(vlm, gate)
    first = first_stage(edge, server, "What?")
    box = Box(3, 5, 40, 30)
    t = second_stage(edge, server, first, box)
    assert t.box == box and t.forced is forced
    assert t.local_image.size == Fit("pad", (SIDE, SIDE)).size((37, 25))
    assert t.attention == first.attention  # nobody had to look for a box
    assert "second look" not in [m.kind for m in t.messages]
    elsewhere = second_stage(edge, server, first_stage(edge, server, "What?"), Box(0, 0, 9, 9))
    assert elsewhere.answer != t.answer
    assert Transcript.from_json(t.to_json()) == t


@pytest.mark.parametrize("box", [Box(150, 0, 201, 50), Box(0, 0, 200, 101), Box(500, 0, 505, 5)])
def test_the_edge_refuses_a_box_it_does_not_have(vlm, edge, box):
    server = Server(vlm, ALWAYS)
    first = first_stage(edge, server, "What?")
    with pytest.raises(MessageError, match="box"):
        second_stage(edge, server, first, box)
    assert second_stage(edge, server, first).retransmitted  # nothing was lost by it


def test_a_second_stage_is_answered_once(vlm, edge):
    server = Server(vlm, ALWAYS)
    first = first_stage(edge, server, "What?")
    done = second_stage(edge, server, first)
    for transcript in (first, done):
        with pytest.raises(SessionExpired, match="ask it again"):
            second_stage(edge, server, transcript)
    assert len(server.sessions) == 0


def test_two_threads_with_one_session_get_one_answer(vlm, edge):
    server = Server(vlm, ALWAYS)
    first = first_stage(edge, server, "What?")
    outcomes, start = [], threading.Barrier(8)

    def second():
        start.wait()
        try:
            outcomes.append(second_stage(edge, server, first).retransmitted)
        except SessionExpired:
            outcomes.append(False)

    threads = [threading.Thread(target=second) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [False] * 7 + [True]


def test_sessions_are_bounded_and_the_oldest_goes_first(vlm, edge):
    server = Server(vlm, NEVER, Sessions(limit=3))
    firsts = [first_stage(edge, server, f"Question {i}?") for i in range(5)]
    assert len(server.sessions) == 3
    for forgotten in firsts[:2]:
        with pytest.raises(SessionExpired):
            second_stage(edge, server, forgotten)
    for i, held in enumerate(firsts[2:], start=2):
        t = second_stage(edge, server, held)
        assert t.second == ask(edge, Server(vlm, ALWAYS), f"Question {i}?").second
    assert Sessions().limit == 64
    with pytest.raises(ValueError, match="at least 1"):
        Sessions(0)


def test_the_oldest_looks_are_dropped_first_and_made_anew(vlm, edge):
    look = vlm.look(edge.resize((SIDE, SIDE))).nbytes
    image = len(edge.question("?", edge.resize((SIDE, SIDE))).image)
    server = Server(vlm, NEVER, Sessions(max_bytes=3 * look + 5 * image))
    firsts = [first_stage(edge, server, f"Question {i}?") for i in range(5)]
    assert (len(server.sessions), server.sessions.nbytes) == (5, 3 * look + 5 * image)
    answers = [ask(edge, Server(vlm, NEVER), f"Question {i}?", force=True) for i in range(5)]
    # Without its look, the global image is seen again: for the generic prompt, and for the answer.
    for i, images in ((1, 3), (4, 1)):
        seen = len(vlm.seen)
        again = second_stage(edge, server, firsts[i])
        assert len(vlm.seen) - seen == images
        assert (again.second, again.box) == (answers[i].second, answers[i].box)
    assert (len(server.sessions), server.sessions.nbytes) == (3, 2 * look + 3 * image)


def test_sessions_are_bounded_in_bytes_too(vlm, edge):
    image = len(edge.question("?", edge.resize((SIDE, SIDE))).image)
    look = vlm.look(edge.resize((SIDE, SIDE))).nbytes
    server = Server(vlm, NEVER, Sessions(max_bytes=look + 3 * image))
    firsts = [first_stage(edge, server, f"Question {i}?") for i in range(5)]
    assert (len(server.sessions), server.sessions.nbytes) == (3, look + 3 * image)
    for forgotten in firsts[:2]:
        with pytest.raises(SessionExpired):
            second_stage(edge, server, forgotten)
    for held in firsts[2:]:
        assert second_stage(edge, server, held).retransmitted
    assert (len(server.sessions), server.sessions.nbytes) == (0, 0)


def test_the_newest_session_is_held_even_if_it_alone_is_too_large(vlm, edge):
    server = Server(vlm, NEVER, Sessions(max_bytes=1))
    older, newest = (first_stage(edge, server, "What?") for _ in range(2))
    with pytest.raises(SessionExpired):
        second_stage(edge, server, older)
    assert second_stage(edge, server, newest).retransmitted


def test_sessions_can_be_shared_by_servers_with_different_gates(vlm, edge):
    sessions = Sessions()
    first = first_stage(edge, Server(vlm, NEVER, sessions), "What?")
    t = second_stage(edge, Server(vlm, ALWAYS, sessions), first)
    assert t.forced and t.gate == NEVER


def test_sessions_cannot_be_guessed(vlm, edge):
    server = Server(vlm, NEVER)
    names = {first_stage(edge, server, "What?").session for _ in range(20)}
    assert len(names) == 20 and all(len(name) >= 22 for name in names)  # 128 bits, base64
    for guess in ("", "0", "x" * 22):
        with pytest.raises(ProtocolError):
            server.receive(SecondLook(guess).to_bytes())


# What the server refuses. After each refusal it must answer the next question.


@pytest.mark.parametrize("text", ["", "   \n", "x" * 1_001, "x" * 10_000])
def test_a_bad_question_is_refused_before_any_work(vlm, edge, monkeypatch, text):
    monkeypatch.setattr(Codec, "encode", lambda *_: pytest.fail("nothing was to be encoded"))
    with pytest.raises(QuestionError):
        ask(edge, Server(vlm, ALWAYS), text)
    assert vlm.seen == []


def test_a_question_of_a_thousand_characters_is_answered(vlm, edge):
    assert ask(edge, Server(vlm, ALWAYS), "x" * 1_000).answer


png = Codec("png").encode(picture().resize((32, 16)))


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (lambda: b"", "cut short"),
        (lambda: question_bytes(image_format="jpeg"), "image of the question can't be used"),
        (lambda: question_bytes(image_format="bmp"), "image of the question can't be used"),
        (lambda: question_bytes(data=b"GIF89a nothing"), "image of the question can't be used"),
        (lambda: question_bytes(data=png[:-40]), "image of the question can't be used"),
        (lambda: question_bytes(picture(64, 32, (0, 0))), "can't be used"),
        (lambda: question_bytes(picture(33, 16, (0, 0))), "send at most 32 × 32"),
        (lambda: question_bytes(original_size=(100, 200)), "brought to this"),
        (lambda: question_bytes(original_size=(200, 200)), "brought to this"),
        (lambda: question_bytes(picture(16, 32, (0, 0)), (200, 200)), "brought to this"),
        (
            lambda: question_bytes(original_size=(20, 10)),
            "brought to this",
        ),  # enlarged, to boot
        (lambda: question_bytes(original_size=(30, 16)), "brought to this"),
        (lambda: question_bytes(original_size=(33, 15)), "brought to this"),
        (lambda: Answer("42").to_bytes(), "Send the server"),
        (lambda: CropRequest("s", Box(0, 0, 1, 1)).to_bytes(), "Send the server"),
        (lambda: LocalImage("s", b"junk", "png").to_bytes(), "image of the local image"),
    ],
)
def test_the_server_refuses_what_is_not_as_agreed(vlm, edge, message, complaint):
    server = Server(vlm, ALWAYS)
    with pytest.raises(MessageError, match=complaint):
        server.receive(message())
    assert vlm.seen == [] and len(server.sessions) == 0
    assert ask(edge, server, "What?").retransmitted


def test_a_bad_local_image_does_not_cost_the_session(vlm, edge):
    server = Server(vlm, ALWAYS)
    first = first_stage(edge, server, "What?")
    big = Codec("png").encode(picture(33, 32, (0, 0)))
    for data in (b"junk", big):
        with pytest.raises(MessageError):
            server.receive(LocalImage(first.session, data, "png").to_bytes())
    assert second_stage(edge, server, first).retransmitted


@pytest.mark.parametrize("message", [SecondLook("gone"), LocalImage("gone", png, "png")])
def test_an_unknown_session_is_said_to_have_expired(vlm, message):
    with pytest.raises(SessionExpired, match="ask it again"):
        Server(vlm, ALWAYS).receive(message.to_bytes())
    assert vlm.seen == []


@pytest.mark.parametrize("width", [1, 2, 3, 31, 32, 33, 999, 4000])
@pytest.mark.parametrize("height", [1, 5, 17, 32, 1000])
def test_whatever_an_edge_sends_has_the_proportions_of_its_original(vlm, width, height):
    edge = Edge(Image.new("RGB", (width, height), "grey"), Codec("png"))
    t = ask(edge, Server(vlm, ALWAYS), "What?")
    assert t.retransmitted
    assert Transcript.from_json(t.to_json()) == t


def test_asking_for_a_second_look_twice_names_the_same_box(vlm, edge):
    server = Server(vlm, NEVER)
    first = first_stage(edge, server, "What?")
    replies = [server.receive(SecondLook(first.session).to_bytes()) for _ in range(2)]
    assert replies[0].message == replies[1].message
    assert session_of(replies[0]) == first.session


def test_an_answer_in_a_transcript_of_another_gate_is_judged_by_that_gate(vlm, edge):
    t = ask(edge, Server(vlm, NEVER), "What?")
    assert replace(t, gate=ALWAYS).uncertain and not t.uncertain


@pytest.fixture(scope="session", params=["clip", "focalnet"])
def llava(request, tmp_path_factory):
    """A real LLaVA checkpoint, tiny and untrained; one crops images to a square, one pads them."""
    from core.vlm import load_vlm
    from tests.support import tiny

    save = {"clip": tiny.save_clip_llava, "focalnet": tiny.save_focalnet_llava}[request.param]
    return load_vlm(save(tmp_path_factory.mktemp(request.param)), device="cpu", fit="own")


@pytest.mark.parametrize("size", [(300, 200), (90, 400), (1, 1), (1, 4000)])
@pytest.mark.parametrize("gate", [ALWAYS, NEVER])
def test_a_real_model_goes_through_both_stages(llava, size, gate):
    image = picture(*size, spot=(0, 0))
    t = ask(Edge(image, Codec("jpeg", 75)), Server(llava, gate), "What is bright?", force=True)

    look = llava.look(t.global_image.open())
    first = llava.answer(look, "What is bright?")
    second = llava.answer(look, "What is bright?", t.local_image.open())
    assert (t.first_answer, t.first.token_ids) == (first.text, first.token_ids)
    assert (t.answer, t.second.token_ids) == (second.text, second.token_ids)
    for name in METRICS:
        expected = token_scores(first.logits, name, first.attention)
        np.testing.assert_allclose(t.scores[name], expected, atol=1e-4)
    assert np.shape(t.attention.relative) == llava.geometry(t.global_image.size).grid
    assert Box(0, 0, *size).contains(t.box) and t.box.area > 0
    assert t.forced is (gate is NEVER)
    assert Transcript.from_json(t.to_json()) == t


def test_an_edge_needs_no_deep_learning_framework():
    """On a device that has neither torch nor transformers, an edge encodes and crops."""
    program = """
import sys
for name in ("torch", "transformers", "gradio", "pandas", "plotly"):
    sys.modules[name] = None  # importing it raises ImportError
from PIL import Image
from core.protocol import Box, Edge, Message, Question, LocalImage
edge = Edge(Image.new("RGB", (100, 80)))
question = edge.question("What?", edge.resize((32, 32)))
local = edge.local_image("s", edge.crop(Box(10, 10, 20, 20), (32, 32)))
assert Message.from_bytes(question.to_bytes()) == question
assert Message.from_bytes(local.to_bytes()) == local
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
