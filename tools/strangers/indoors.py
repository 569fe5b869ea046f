"""Rooms, corridors and screens."""

from __future__ import annotations

from tools.strangers.asks import (
    Picture,
    colour,
    lines,
    no_object,
    no_sign,
    number,
    one_line,
    pointed,
    presence,
    says,
)
from tools.strangers.drawing import (
    BLACK,
    BLUE,
    PURPLE,
    RED,
    WHITE,
    YELLOW,
    fade,
    grain,
    grid,
    line,
    polygon,
    shadowed,
    shape,
    sign,
    turned,
    write,
)

INDOORS = (
    Picture(
        "airport.png",
        (1280, 480),
        (
            fade("#2b2f33", "#44494e"),
            shape("rectangle", (80, 90, 1200, 390), "#101214"),
            shape("rounded", (130, 140, 350, 340), YELLOW),
            write("B", (240, 242), 170, BLACK, "lexend", 700),
            write("Gates 12 - 19", (760, 242), 120, YELLOW, "lexend", 500),
        ),
        (
            pointed("Which letter is in the yellow square?", "B"),
            number("Which gates are this way?", "12 - 19", "12-19", "Gates 12 - 19", "Gates 12-19",
                   "12 to 19"),
            colour("What colour are the words next to the square?", "yellow"),
        ),
    ),
    Picture(
        "wet-floor.jpg",
        (700, 900),
        (
            fade("#c9c4bb", "#a59f95"),
            grid((0, 600, 700, 900), 5, 2, "#bdb6aa", 4),
            shadowed(
                polygon(((240, 120), (460, 120), (590, 800), (110, 800)), YELLOW),
                write("SLIPPERY\nTILES", (350, 560), 74, BLACK, "archivo-narrow", 700, gap=0.2),
                shape("triangle", (250, 200, 450, 380), BLACK),
                write("!", (350, 318), 110, YELLOW, "dm-sans", 900),
            ),
        ),
        (
            lines("What does the yellow stand say?", "SLIPPERY TILES", "! SLIPPERY TILES"),
            says("Does it say slippery?", "yes"),
        ),
    ),
    Picture(
        "door-plate.png",
        (640, 400),
        (
            fade("#d8c4a4", "#c4ac86"),
            shadowed(
                shape("rounded", (110, 80, 530, 320), "#e9ebec"),
                write("214", (150, 150), 84, "#2d3135", "lexend", 600, "lm"),
                write("Dr. A. Okafor", (150, 255), 48, "#2d3135", "dm-sans", 500, "lm"),
            ),
        ),
        (
            number("Which room is it?", "214"),
            lines("Read the whole door plate, please.", "214 Dr. A. Okafor"),
            says("Is this Dr. Okafor's door, is that the name on it?", "yes"),
        ),
    ),
    Picture(
        "hexagon-plaque.png",
        (900, 900),
        (
            grid((0, 0, 900, 900), 4, 8, "#9aa3a0", 10, shifted=True),
            shadowed(sign("hexagon", (160, 190, 740, 700), PURPLE, "Chess\nleague", 130, WHITE,
                          "spectral", 700, gap=0.1)),
        ),
        (
            lines("What does the hexagon say?", "Chess league"),
            colour("What colour is the plaque on the wall?", "purple"),
            no_sign("What's written on the diamond?"),
        ),
    ),
    Picture(
        "lockers.jpg",
        (2400, 1400),
        (
            fade("#c9ced2", "#a3a9ae"),
            grid((150, 150, 2250, 1300), 12, 2, "#5d86a8", 14, edge="#3c5f7c"),
            sign("rectangle", (1390, 340, 1530, 400), WHITE, "Lemur", 38, BLACK, "kalam", 700),
        ),
        (
            one_line("Which name is on the locker?", "Lemur"),
            presence("Is there any label with writing on the lockers?", "yes"),
        ),
    ),
    Picture(
        "noticeboard.jpg",
        (2400, 1800),
        (
            fade("#c89b65", "#b98a54"),
            grain(0.15),
            turned(3, shadowed(sign("rectangle", (220, 220, 640, 520), WHITE,
                                    "Violin\nlessons", 72, BLUE, "zilla-slab"))),
            turned(-2, shadowed(sign("rectangle", (900, 300, 1400, 560), YELLOW,
                                     "Raffle on Friday", 56, BLACK, "lexend"))),
            turned(2, shadowed(sign("rectangle", (1700, 260, 2120, 620), "#8fd19e",
                                    "Judo squad\nhall 2", 66, BLACK, "overpass"))),
            turned(-4, shadowed(sign("rectangle", (420, 980, 900, 1300), "#f4a6b8",
                                     "choir needs\ntenors", 64, BLACK, "kalam", 400))),
            turned(1, shadowed(sign("rectangle", (1400, 1020, 1960, 1320), WHITE,
                                    "FOUND: a mitten", 52, RED, "source-code-pro"))),
        ),
        (
            pointed("What does the yellow notice say?", "Raffle on Friday"),
            lines("What does the green note say?", "Judo squad hall 2", "Judo squad, hall 2"),
            lines("What's in blue letters at the top left?", "Violin lessons"),
            says("Is there a notice that says karate?", "no"),
        ),
    ),
    Picture(
        "bookshelf.jpg",
        (2000, 2000),
        (
            fade("#e6ddcc", "#d2c6b0"),
            shape("rectangle", (200, 300, 1800, 1900), "#6d4c30"),
            *(shape("rectangle", (x, y + 40 + x % 7 * 9, x + 52, y + 330),
                    ("#8a3b3b", "#3b5f8a", "#4d7a52", "#c2a14a")[x // 58 % 4])
              for y in (480, 840, 1200, 1540) for x in range(240, 1740, 58)),
            shape("rectangle", (840, 330, 1160, 430), WHITE),
            write("POETRY", (1000, 380), 58, BLACK, "spectral", 700),
        ),
        (
            one_line("What kind of books are on this shelf, as the sign says?", "POETRY"),
        ),
    ),
    Picture(
        "pool.jpg",
        (2200, 1300),
        (
            grid((0, 0, 2200, 500), 30, 7, "#dcebf0", 4),
            fade("#3fb4d6", "#1f86b0", (0, 500, 2200, 1300)),
            *(line(((x, 1300), (700 + x // 3, 500)), "#e7f6fa", 8) for x in range(0, 2400, 480)),
            sign("rectangle", (950, 180, 1250, 340), BLUE, "SHALLOW\n0.9 m", 52, WHITE,
                 "archivo-narrow", 700, gap=0.1),
        ),
        (
            number("How deep is the water here?", "0.9 m", "0.9", "0.9m"),
            lines("what does the sign at the pool say", "SHALLOW 0.9 m", "SHALLOW 0.9m"),
        ),
    ),
    Picture(
        "phone-message.png",
        (1080, 1920),
        (
            fade("#eef2f5", "#e2e8ec"),
            shape("rectangle", (0, 0, 1080, 210), "#38597a"),
            write("Uncle Bertram", (540, 140), 64, WHITE, "dm-sans", 600),
            shape("rounded", (60, 420, 860, 700), WHITE),
            write("coach is late\nmeet at 21:05", (130, 560), 78, BLACK, "dm-sans", 400, "lm"),
            shape("rounded", (520, 800, 1020, 960), "#cdeccb"),
            write("alright!", (770, 880), 78, BLACK, "dm-sans"),
        ),
        (
            pointed("Who sent me this message?", "Uncle Bertram"),
            lines("What does the message in the white bubble say?",
                  "coach is late meet at 21:05", "coach is late, meet at 21:05"),
            number("At what time do we meet?", "21:05"),
        ),
    ),
    Picture(
        "gallery-wall.jpg",
        (2600, 1800),
        (
            fade("#f1efea", "#e3dfd7"),
            shape("rectangle", (0, 1560, 2600, 1800), "#a9845a"),
            shadowed(shape("rectangle", (800, 300, 1700, 1050), "#b08a3c"), blur=12),
            fade("#2c5d8a", "#d98f5a", (860, 360, 1640, 990)),
            shadowed(sign("rectangle", (1790, 880, 1960, 990), WHITE, "Comet\n1871", 36, BLACK,
                          "spectral", gap=0.1), by=(3, 4), blur=3),
        ),
        (
            lines("What does the label next to the painting say?", "Comet 1871", "Comet, 1871"),
            number("When was it painted, according to the label?", "1871"),
            no_object("What colour is the cup in the painting?"),
        ),
    ),
    Picture(
        "cloakroom-door.jpg",
        (1500, 2200),
        (
            fade("#dcd8cf", "#c5bfb2"),
            shape("rectangle", (380, 300, 1120, 2200), "#2e6b5c"),
            shape("circle", (1020, 1250, 1070, 1300), "#d3c27a"),
            shadowed(sign("rectangle", (600, 700, 900, 800), WHITE, "CLOAKROOM", 44, BLACK,
                          "dm-sans", 700)),
        ),
        (
            one_line("what does it say on this door", "CLOAKROOM"),
        ),
    ),
    Picture(
        "stairs.jpg",
        (1800, 2400),
        (
            fade("#e3e6e4", "#c4cac7"),
            *(shape("rectangle", (300 + 60 * step, 2250 - 150 * step, 1800, 2400 - 150 * step),
                    ("#8d9696", "#a0a9a9")[step % 2]) for step in range(9)),
            write("attic", (420, 720), 64, "#6b7472", "lexend", 600),
        ),
        (
            one_line("There is a word on the wall by the stairs, which one?", "attic"),
        ),
    ),
)  # fmt: skip
