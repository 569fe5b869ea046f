"""Large pictures in which a sign, or a few, are small."""

from __future__ import annotations

from tools.strangers.asks import (
    Picture,
    colour,
    lines,
    number,
    one_line,
    pointed,
    presence,
    says,
)
from tools.strangers.drawing import (
    WHITE,
    fade,
    polygon,
    shape,
    sign,
    soft,
    turned,
    write,
)
from tools.strangers.second.drawing import bricks, leaning, noise, outline, road

DISTANT = (
    Picture(
        "roadsign.jpg",
        (2400, 1600),
        (
            road(0.6),
            shape("rectangle", (1930, 900, 1946, 1250), "#787878"),
            shape("rectangle", (2010, 900, 2026, 1250), "#787878"),
            shape("rectangle", (1800, 700, 2150, 920), "#143c96"),
            outline("rectangle", (1806, 706, 2144, 914), WHITE, 4),
            *(write(text, (x, y), 55, WHITE, "overpass", 600, anchor)
              for text, x, y, anchor in
              (("Oldwick", 1825, 765, "lm"), ("12", 2125, 765, "rm"),
               ("Tarnby", 1825, 855, "lm"), ("38", 2125, 855, "rm"))),
            soft(1),
        ),
        (
            number("How far is it to Tarnby?", "38", "38 km", "38 miles"),
            colour("What color is the road sign?", "blue"),
            pointed("which town is 12 away", "Oldwick"),
            presence("Are there any trees?", "yes"),
        ),
    ),
    Picture(
        "field.jpg",
        (3000, 2000),
        (
            fade("#78aae1", "#d2e1eb"),
            polygon(((0, 1100), (900, 850), (1900, 1000), (3000, 800), (3000, 2000), (0, 2000)),
                    "#5f8c3c"),
            noise(6),
            *(shape("rectangle", (x, 1180, x + 16, 1330), "#6e553c")
              for x in range(0, 3000, 150)),
            shape("rectangle", (0, 1220, 3000, 1232), "#6e553c"),
            shape("rectangle", (2206, 1150, 2216, 1340), "#5a4632"),
            shape("rectangle", (2100, 1080, 2320, 1170), "#fafaf5"),
            write("Keep dogs", (2210, 1108), 36, "#145028", weight=700),
            write("on lead", (2210, 1146), 36, "#145028", weight=700),
        ),
        (
            lines("There is a small sign by the fence. What does it say?", "Keep dogs on lead"),
            says("does the sign say keep dogs on lead?", "yes"),
            presence("Can you see a fence?", "yes"),
        ),
    ),
    Picture(
        "plaque.jpg",
        (3000, 2250),
        (
            bricks("#a55f46", 60),
            shape("rectangle", (300, 800, 900, 1900), "#505a5f"),
            shape("rectangle", (2000, 800, 2600, 1900), "#505a5f"),
            sign("rectangle", (1380, 640, 1560, 740), "#3c3c3c", "1894", 64, "#e6dcbe", "spectral",
                 700),
        ),
        (
            number("What year is on the plaque?", "1894"),
            presence("Is the wall made of bricks?", "yes"),
            says("is the year 1912 on this house?", "no"),
        ),
    ),
    Picture(
        "shops.jpg",
        (2800, 1200),
        (
            fade("#c8d7e6", "#c8d7e6"),
            shape("rectangle", (0, 1050, 2800, 1200), "#969696"),
            *(shape("rectangle", (x, 120, x + 695, 1050), wall) for x, wall in
              ((0, "#d2c3af"), (700, "#bec3bb"), (1400, "#aac3c7"),
               (2100, "#96c3d3"))),
            *(shape("rectangle", (x + place, 180, x + 120 + place, 370), "#6e8296")
              for x in range(90, 2800, 700) for place in (0, 200, 400)),
            *(shape("rectangle", (x, 600, x + 360, 960), "#7896a5")
              for x in range(60, 2800, 700)),
            *(shape("rectangle", (x, 600, x + 160, 1050), "#503c32")
              for x in range(480, 2800, 700)),
            shape("rectangle", (30, 420, 665, 560), "#1e5a96"),
            leaning(write("Velo Doktor", (347, 490), 60, WHITE, "overpass", 600)),
            sign("rectangle", (730, 420, 1365, 560), "#141414", "SUSHI GO", 58, "#ff5a5a",
                 "source-code-pro", 400),
            shape("rectangle", (1430, 420, 2065, 560), "#e696b4"),
            leaning(write("Hilda Blum Flowers", (1747, 490), 60, "#46143c", "spectral")),
            sign("rectangle", (2130, 420, 2765, 560), "#f0c832", "KEYS & SHOES", 62, "#1e1e1e",
                 "archivo-narrow", 700),
        ),
        (
            pointed("What does the yellow shop sign say?", "KEYS & SHOES", "keys and shoes"),
            pointed("name of the flower shop?", "Hilda Blum Flowers", "Hilda Blum"),
            pointed("What is the shop on the far left called?", "Velo Doktor"),
            colour("What colour is the sign of the flower shop?", "pink"),
        ),
    ),
    Picture(
        "library.jpg",
        (2200, 1300),
        (
            bricks("#beb4a5", 70),
            write("TOWN LIBRARY", (1100, 400), 178, "#323237", "spectral", 700),
            shape("rectangle", (850, 600, 1350, 1300), "#3c2d23"),
            shape("rectangle", (1245, 0, 1285, 1300), "#3c3c3e"),
            shape("circle", (100, 700, 600, 1500), "#3c6e3c"),
        ),
        (
            one_line("What is this building?", "Town Library", "library", "a library"),
            says("Is this the town hall?", "no"),
            one_line("what is written above the door?", "Town Library", "library"),
        ),
    ),
    Picture(
        "protest.jpg",
        (2400, 1600),
        (
            fade("#aabed2", "#c8c8c3"),
            *(shape("circle", (x, y, x + 100, y + 120), ink) for x, y, ink in
              ((head * 577 % 2400 - 50, 990 + head * 211 % 550,
                ("#463ca0", "#825a3c", "#3c826e", "#a03c6e", "#5a5a5a",
                 "#96963c")[head % 6]) for head in range(70))),
            *(shape("rectangle", (x - 10, y, x + 10, 1150), "#8c6e46")
              for x, y in ((500, 500), (1300, 380), (1980, 620))),
            turned(6, sign("rectangle", (155, 404, 845, 596), "#fafaf5", "SAVE THE LIBRARY",
                           80, "#141414", "archivo-narrow", 700)),
            turned(-4, sign("rectangle", (850, 284, 1750, 476), "#fadc3c", "BOOKS NOT BANKS",
                            80, "#a0143c", "lexend", 700)),
            turned(8, sign("rectangle", (1795, 500, 2165, 740), "#e65a50", "", 100),
                   leaning(write("shhh!", (1980, 620), 100, WHITE, "spectral", 700))),
        ),
        (
            pointed("What does the yellow banner say?", "BOOKS NOT BANKS"),
            pointed("what is on the sign on the left", "SAVE THE LIBRARY"),
            pointed("What is written on the red sign?", "shhh!", "shhh"),
            says('Does one of the signs say "Save the library"?', "yes"),
        ),
    ),
)  # fmt: skip
