"""What people wrote by hand: boards, notes, a badge."""

from __future__ import annotations

from tools.strangers.asks import (
    Picture,
    colour,
    number,
    one_line,
    pointed,
    says,
)
from tools.strangers.drawing import WHITE, fade, shape, turned, write
from tools.strangers.second.drawing import grey, leaning, outline, rough, scrawl, wood

NOTES = (
    Picture(
        "whiteboard.jpg",
        (2000, 1400),
        (
            rough("#eef0f2", 5, 9),
            outline("rectangle", (0, 0, 1999, 1399), "#96969b", 40),
            scrawl("Team meeting", (200, 250), 144, "#1428a0", weight=600),
            scrawl("Thursday 14:30", (200, 470), 126, "#141414"),
            *(scrawl(point, (260, y), 107, "#b41414")
              for point, y in (("1. budget", 720), ("2. hiring", 880), ("3. cake?", 1040))),
        ),
        (
            number("When is the meeting?", "Thursday 14:30", "14:30", "Thursday",
                   "Thursday at 14:30"),
            pointed("what is the first item on the list", "budget", "1. budget"),
            pointed("What is written at the top of the whiteboard?", "Team meeting"),
            colour("In which colour is the list written?", "red"),
        ),
    ),
    Picture(
        "badge.png",
        (800, 500),
        (
            fade("#465078", "#465078"),
            shape("rounded", (60, 40, 740, 460), WHITE),
            shape("rounded", (60, 40, 740, 180), "#d21e28"),
            shape("rectangle", (60, 110, 740, 180), "#d21e28"),
            write("HELLO", (400, 90), 70, WHITE, weight=600),
            write("my name is", (400, 150), 36, WHITE),
            scrawl("Priya", (240, 320), 120, "#14143c", weight=600),
        ),
        (
            pointed("What's the person's name?", "Priya"),
            pointed("what does it say at the top", "HELLO", "hello my name is"),
            says("Is this the badge of Martin?", "no"),
        ),
    ),
    Picture(
        "sticky.jpg",
        (700, 700),
        (
            wood("#aa8c69"),
            turned(
                11,
                shape("rectangle", (120, 120, 580, 580), "#faeb5a"),
                *(scrawl(note, (180, y), 81, "#1e1e5a")
                  for note, y in (("buy milk", 240), ("+ 6 eggs", 360), ("call Bo", 480))),
            ),
        ),
        (
            number("how many eggs?", "6", "six", "6 eggs"),
            pointed("What is on the first line of the note?", "buy milk"),
            colour("What colour is the note?", "yellow"),
            pointed("who should be called", "Bo", "call Bo"),
        ),
    ),
    Picture(
        "chalk.jpg",
        (900, 1200),
        (
            rough("#2d3230", 8, 5),
            outline("rectangle", (0, 0, 899, 1199), "#966437", 36),
            scrawl("Soup of the day", (130, 250), 80, "#f0f0eb", weight=600),
            scrawl("leek", (240, 500), 162, "#fadc78", weight=600),
            scrawl("5.50", (220, 780), 126, "#f0f0eb"),
            leaning(write("with bread", (450, 1020), 75, "#c8c8c3", "spectral", 700)),
        ),
        (
            pointed("Which soup is there today?", "leek", "leek soup"),
            number("How much is the soup?", "5.50"),
            pointed("what is written at the bottom of the board", "with bread"),
        ),
    ),
    Picture(
        "sum.jpg",
        (1500, 1000),
        (
            rough("#f0f0f0", 4, 9),
            scrawl("17 + 26 =", (250, 450), 190, "#141414"),
            scrawl("43", (1130, 450), 175, "#c81e1e", weight=600),
            grey(),
        ),
        (
            one_line("What calculation is on the board?", "17 + 26 = 43", "17 + 26", "17+26",
                     "17+26=43"),
            number("What is the result on the right?", "43"),
        ),
    ),
)  # fmt: skip
