"""Things with little or no writing on them, and labels."""

from __future__ import annotations

from tools.strangers.asks import (
    Picture,
    colour,
    lines,
    nothing,
    number,
    one_line,
    pointed,
    presence,
    says,
)
from tools.strangers.drawing import (
    BLACK,
    WHITE,
    column,
    fade,
    line,
    polygon,
    shape,
    soft,
    tint,
    turned,
    write,
)
from tools.strangers.second.drawing import leaning, noise, outline, receding, rough, wood

THINGS = (
    Picture(
        "apple.jpg",
        (640, 480),
        (
            fade("#ebebe6", "#c8beaf"),
            shape("circle", (200, 390, 450, 430), "#a0968c"),
            shape("circle", (210, 150, 440, 420), "#be1923"),
            shape("circle", (250, 190, 300, 250), "#e66e6e"),
            line(((325, 165), (340, 100)), "#503214", 8),
            shape("circle", (340, 90, 410, 125), "#3c8232"),
        ),
        (
            colour("what colour is the apple", "red"),
            nothing("What does it say in the picture?"),
            presence("Is there any text?", "no"),
        ),
    ),
    Picture(
        "wall.jpg",
        (1024, 768),
        (
            rough("#b9b4aa", 8, 6),
            noise(4),
        ),
        (
            nothing("What is written here?"),
            presence("is there a sign on the wall?", "no"),
            colour("What colour is the wall?", "grey", "gray", "beige", "light grey", "brown"),
        ),
    ),
    Picture(
        "sky.jpg",
        (1500, 1000),
        (
            fade("#4682d2", "#bed7f0"),
            *(shape("cloud", (x, y, x + 330, y + 110), "#ffffffbe") for x, y in
              ((170, 250), (330, 300), (480, 240), (780, 450), (930, 500), (1060, 450), (510, 720),
               (690, 690), (640, 760))),
            soft(18),
        ),
        (
            colour("What color is the sky?", "blue", "light blue"),
            nothing("can you read the sign?"),
            presence("Is there a person in the photo?", "no"),
        ),
    ),
    Picture(
        "toys.png",
        (800, 800),
        (
            fade("#e1dcd7", "#aaa096"),
            shape("rectangle", (150, 400, 350, 600), "#2850be"),
            polygon(((150, 400), (220, 330), (420, 330), (350, 400)), "#5078dc"),
            polygon(((350, 400), (420, 330), (420, 530), (350, 600)), "#193796"),
            shape("circle", (500, 430, 680, 610), "#f0c828"),
            shape("circle", (540, 460, 580, 500), "#fff0aa"),
        ),
        (
            colour("What colour is the ball?", "yellow"),
            presence("Is there a cube?", "yes"),
            nothing("What is written on the cube?"),
            presence("is there a green bottle", "no"),
        ),
    ),
    Picture(
        "bins.jpg",
        (1400, 1000),
        (
            fade("#c8d2c8", "#96a08c"),
            *(polygon(((x, 300), (x + 260, 300), (x + 230, 850), (x + 30, 850)), ink)
              for x, ink in ((250, "#1e5abe"), (620, "#288c3c"), (990, "#e6be28"))),
            *(shape("rectangle", (x - 15, 250, x + 275, 310), ink)
              for x, ink in ((250, "#0f2d5f"), (620, "#14461e"), (990, "#735f14"))),
        ),
        (
            number("how many bins are there", "3", "three"),
            colour("What colour is the bin on the left?", "blue"),
            nothing("What is written on the middle bin?"),
            presence("Is there a red bin?", "no"),
        ),
    ),
    Picture(
        "light.jpg",
        (900, 1200),
        (
            fade("#5a6482", "#8c8282"),
            tint("#0000004d"),
            shape("rectangle", (435, 700, 465, 1200), "#282828"),
            shape("rounded", (340, 150, 560, 720), "#191919"),
            *(shape("circle", (380, y, 520, y + 140), ink) for y, ink in
              ((185, "#ff281e"), (365, "#3c3714"), (545, "#0f3719"))),
        ),
        (
            colour("Which colour is the traffic light?", "red"),
            nothing("What does the sign say?"),
        ),
    ),
    Picture(
        "mug.jpg",
        (1200, 900),
        (
            wood("#785f4b"),
            outline("ellipse", (800, 330, 1020, 640), "#f0f0f0", 46),
            shape("rounded", (380, 220, 880, 760), "#f5f5f5"),
            shape("circle", (380, 180, 880, 270), "#5a3723", "#e1e1e1", 14),
            write("World's\nokayest\nuncle", (630, 500), 84, "#1e3c78", "libre-baskerville", 700),
        ),
        (
            lines("What does it say on the mug?", "World's okayest uncle",
                  "Worlds okayest uncle"),
            says("does the mug say best mom", "no"),
            pointed("What is the last word on the mug?", "uncle"),
        ),
    ),
    Picture(
        "jam.jpg",
        (1000, 1000),
        (
            fade("#c8cdc8", "#968c7d"),
            shape("rounded", (300, 250, 700, 900), "#cd781e"),
            shape("rounded", (310, 160, 690, 270), "#a01e28"),
            shape("rectangle", (300, 430, 700, 740), "#faf5e6"),
            leaning(write("Quince Jelly", (500, 520), 59, "#5a1e14", "spectral")),
            write("homemade", (500, 610), 40, "#5a4632", "lexend", 300),
            write("340 g", (500, 685), 44, "#3c3228", "dm-sans", 700),
        ),
        (
            pointed("What is in the jar?", "Quince Jelly", "jelly", "quince"),
            number("How much does it weigh, according to the label?", "340 g", "340", "340g"),
            colour("colour of the lid?", "red", "dark red"),
        ),
    ),
    Picture(
        "wine.jpg",
        (800, 1600),
        (
            fade("#785a50", "#3c2828"),
            tint("#0000001a"),
            shape("rounded", (250, 520, 550, 1540), "#192d1e"),
            shape("rectangle", (350, 120, 450, 560), "#192d1e"),
            shape("rectangle", (345, 100, 455, 260), "#781428"),
            shape("rectangle", (250, 800, 550, 1240), "#f0e8d2"),
            write("Domaine\nLunel", (400, 915), 56, "#3c1414", "zilla-slab", 700),
            write("2016", (400, 1080), 66, "#3c1414", "spectral"),
            write("13% vol", (400, 1180), 34, "#3c1414", "spectral"),
        ),
        (
            number("Which year is the wine from?", "2016"),
            presence("is this a bottle?", "yes"),
            colour("What colour is the bottle?", "green", "dark green"),
        ),
    ),
    Picture(
        "tshirt.jpg",
        (1000, 1000),
        (
            fade("#ebe1d7", "#ebe1d7"),
            polygon(((300, 150), (420, 120), (580, 120), (700, 150), (900, 330), (800, 440),
                     (720, 380), (720, 900), (280, 900), (280, 380), (200, 440), (100, 330)),
                    "#323237"),
            shape("circle", (420, 70, 580, 180), "#ebe1d7"),
            write("Nope.", (500, 480), 125, "#f5f5f0", "libre-baskerville", 700),
        ),
        (
            one_line("what does the shirt say", "Nope", "Nope."),
            colour("What colour are the letters?", "white"),
            says('Does it say "Nope" on the shirt?', "yes"),
        ),
    ),
    Picture(
        "medicine.jpg",
        (1300, 900),
        (
            fade("#c8dce1", "#a0b9c3"),
            turned(-8, receding(
                1, 0.75,
                shape("rectangle", (200, 220, 1100, 680), WHITE),
                shape("rectangle", (200, 540, 1100, 680), "#006eaa"),
                leaning(write("Dolorexin", (250, 330), 120, "#00508c", weight=700, anchor="lm")),
                write("200 mg", (250, 460), 72, "#c81e3c", weight=700, anchor="lm"),
                write("24 tablets", (250, 610), 60, WHITE, anchor="lm"),
            )),
        ),
        (
            pointed("What is this medicine called?", "Dolorexin"),
            number("how many tablets are in the box?", "24", "24 tablets"),
            number("What is the dose?", "200 mg", "200mg", "200"),
        ),
    ),
    Picture(
        "parcel.jpg",
        (1400, 1000),
        (
            rough("#b48c5f", 8),
            shape("rectangle", (0, 440, 1400, 560), "#c8aa78"),
            turned(
                6,
                shape("rectangle", (400, 240, 1160, 760), "#fcfcfc"),
                column(("Tobias Engström", "14 Pier View", "Lostwick", "PW9 3DX"), (450, 330), 85,
                       58),
                *(shape("rectangle", (x, 670, x + (3, 9, 5)[x % 3], 735), BLACK)
                  for x in range(450, 1100, 13)),
            ),
            turned(
                15,
                outline("rectangle", (79, 199, 401, 301), "#c81414", 7),
                write("FRAGILE", (240, 252), 66, "#c81414", "source-code-pro", 700),
            ),
        ),
        (
            pointed("Who is the parcel for?", "Tobias Engström", "Tobias Engstrom"),
            pointed("What is stamped in red?", "FRAGILE"),
            number("post code please", "PW9 3DX", "PW93DX"),
            pointed("what town does it go to", "Lostwick"),
        ),
    ),
)  # fmt: skip
