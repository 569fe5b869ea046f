"""The questions of a visit, noted and judged as the page does it, and transcripts opened again."""

import csv
import io
import json
import re
from base64 import b64decode
from concurrent.futures import Future
from dataclasses import replace
from html import unescape

import gradio as gr
import pytest

from core.imaging import Codec
from core.protocol import Edge, Server, ask
from core.uncertainty import Gate
from dashboard.case import Case
from dashboard.drawing.asked import side_by_side
from dashboard.hosting.live import LiveModel
from dashboard.visits.asked import MOST, AskedInVisit
from dashboard.visits.visit import Visit
from dashboard.walkthrough import visit_table
from dashboard.walkthrough.tab import Walkthrough
from dashboard.walkthrough.visit_table import VisitTable
from tests.support.pixels import PixelVLM, picture

ASKED = ask(Edge(picture()), Server(PixelVLM(), Gate(threshold=0.0)), "=What <b>does</b> it say?")


@pytest.fixture(scope="module")
def table():
    with gr.Blocks():
        return VisitTable(())


def _case(transcript=ASKED, **more):
    return Case("/tmp/a photo.jpg", Codec(), Codec("webp", 40), Gate(), transcript, **more)


def _told(data):
    return gr.EventData(None, data)


def test_a_question_is_one_row_whatever_becomes_of_it(table):
    visit = Visit()
    first = replace(ASKED, second=None, local_image=None, forced=False)
    table.noted(visit, _case(first))
    table.changed(_told({"number": 1, "right": "wrong"}), visit)
    html = table.noted(visit, _case())[table.table]
    [row] = visit.asked_in_visit.rows
    assert row.right == "wrong" and row.transcript.second and row.transcript.attention is None
    assert "own: a photo.jpg" in html and "JPEG 75 and WEBP 40" in html
    assert "=What &lt;b&gt;does&lt;/b&gt;" in html and '<option value="wrong" selected>' in html
    elsewhere = replace(ASKED, box=replace(ASKED.box, left=ASKED.box.left + 1))
    table.noted(visit, _case(elsewhere=elsewhere))
    table.noted(visit, _case(elsewhere=elsewhere))
    assert [row.own_box for row in visit.asked_in_visit.rows] == [False, True]
    assert Visit().asked_in_visit.rows == ()  # another's


def test_only_the_last_questions_are_kept(table):
    rows = AskedInVisit()
    for number in range(MOST + 5):
        rows.note("s", "c", replace(ASKED, session=str(number)))
    assert [rows.rows[0].number, rows.rows[-1].number, len(rows.rows)] == [6, MOST + 5, MOST]


def test_a_card_has_the_answer_of_every_look():
    gate = Gate(threshold=float("-inf"), rounds=(float("-inf"),) * 2)
    asked_of = ask(Edge(picture(400, 300)), Server(PixelVLM(), gate), "Where is the spot?")
    visit = AskedInVisit()
    visit.note("opened file", "JPEG", asked_of)
    card = unescape(side_by_side(visit.rows))
    assert len(asked_of.stages) == 4
    for name, stage in zip(("First", "Second", "Third", "Fourth"), asked_of.stages, strict=True):
        assert re.search(rf"{name} answer</dt><dd><strong[^>]*>{re.escape(stage.answer)}<", card)
    assert "Local image 3" in card and "Fifth" not in card


def test_two_are_shown_side_by_side_and_nonsense_shows_nothing(table):
    visit = Visit()
    for session in "ab":
        table.noted(visit, _case(replace(ASKED, session=session)))
    both = table.changed(_told({"pair": [2, 1]}), visit)[table.compared]
    assert both.index("Question 2") < both.index("Question 1") and both.count("<article") == 2
    assert "Tick another" in table.changed(_told({"pair": [2]}), visit)[table.compared]
    for nonsense in ({}, {"pair": "ab"}, {"pair": [99, None, {}]}, [1], {"pair": [[]]}):
        assert table.changed(_told(nonsense), visit) == {table.compared: ""}
    table.changed(_told({"number": 1, "right": "<script>"}), visit)
    table.changed(_told({"number": [], "right": "right"}), visit)
    assert {row.right for row in visit.asked_in_visit.rows} == {""}


def test_the_table_as_a_file_runs_nothing(table):
    visit = Visit()
    table.noted(visit, _case(replace(ASKED, session="a")))
    table.changed(_told({"number": 1, "right": "right"}), visit)
    parcel = table.pack(visit)[table.parcel]
    text = b64decode(parcel["base64"]).decode("utf-8-sig")
    [row] = csv.DictReader(io.StringIO(text))
    assert row["question"] == "'" + ASKED.question and row["right?"] == "right"
    assert float(row["uncertainty"]) == ASKED.uncertainty and row["date"] == ASKED.date
    assert [int(row[f"box {edge}"]) for edge in ("left", "bottom")] == [
        ASKED.box.left,
        ASKED.box.bottom,
    ]
    assert int(row["bytes"]) == sum(message.byte_count for message in ASKED.messages)


def test_a_transcript_is_opened_again_with_date_and_revision(table, tmp_path):
    visit, file = Visit(), tmp_path / "transcript.json"
    file.write_text(ASKED.to_json())
    shown = table.open(visit, {"path": str(file)})
    assert ASKED.date in shown[table.compared] and "(r1)" in shown[table.compared]
    assert shown[table.status] == "" and len(visit.asked_in_visit.rows) == 1
    table.open(visit, [{"path": str(file)}])
    assert len(visit.asked_in_visit.rows) == 1


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "JSON file"),
        (b"[" * 100_000, "JSON file"),
        (b"\xff\xfe", "JSON file"),
        (b"[]", "JSON object"),
        (json.dumps(ASKED.to_dict() | {"version": 99}).encode(), "version"),
        (json.dumps(ASKED.to_dict() | {"box": [1]}).encode(), "box"),
        (json.dumps(ASKED.to_dict() | {"more": 1}).encode(), "don't belong there"),
    ],
    ids=["torn", "deep", "binary", "list", "version", "box", "more"],
)
def test_a_file_that_is_not_a_transcript_is_one_sentence(table, tmp_path, content, words):
    visit, file = Visit(), tmp_path / "t.json"
    file.write_bytes(content)
    shown = table.open(visit, {"path": str(file)})
    assert words in unescape(shown[table.status]) and shown[table.status].count('role="alert"') == 1
    assert visit.asked_in_visit.rows == () and list(shown) == [table.status]


def test_a_file_that_is_too_large_or_gone_is_one_sentence(table, tmp_path, monkeypatch):
    monkeypatch.setattr(visit_table, "LARGEST_TRANSCRIPT", 10)
    file = tmp_path / "t.json"
    file.write_text(ASKED.to_json())
    assert "at most" in table.open(Visit(), {"path": str(file)})[table.status]
    for gone in (None, {"path": str(tmp_path)}, {"path": "/nowhere.json"}, []):
        said = unescape(table.open(Visit(), gone)[table.status])
        assert "didn't arrive" in said or "at most" in said


def test_it_fills_itself_after_every_run(samples):
    model = Future()
    model.set_result(PixelVLM())
    with gr.Blocks():
        tab = Walkthrough(LiveModel("pixels", model), ())
    visit = Visit(metric="min_entropy")
    image = str(samples / "0.jpg")
    visit.take(image)
    *_, last = tab.ask_both(visit, image, "What?", "min_entropy", 0.0, "jpeg", 75, "jpeg", 75)
    shown = tab.tidy(visit, last[tab.case], "min_entropy", 0.0)
    assert "own: 0.jpg" in shown[tab.table.table] and set(shown) <= set(tab.shown)
