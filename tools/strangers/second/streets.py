"""Roads, vehicles and boards out of doors, some of them far away."""

from __future__ import annotations

from math import cos, pi, sin

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
    BLACK,
    WHITE,
    fade,
    line,
    polygon,
    shape,
    sign,
    soft,
    tint,
    turned,
    write,
)
from tools.strangers.second.drawing import (
    bricks,
    noise,
    outline,
    receding,
    road,
    rough,
)

OCTAGON = tuple((550 + 145 * cos(pi * (0.125 + corner / 4)),
                 230 + 145 * sin(pi * (0.125 + corner / 4))) for corner in range(9))  # fmt: skip

STREETS = (
    Picture(
        "stop.jpg",
        (800, 600),
        (
            road(0.7),
            shape("rectangle", (545, 300, 557, 600), "#828282"),
            turned(
                -9,
                polygon(OCTAGON, "#be191e"),
                line(OCTAGON, WHITE, 8),
                write("STOP", (550, 230), 110, WHITE, "archivo-narrow", 700),
            ),
        ),
        (
            one_line("What does the sign say?", "STOP"),
            colour("What colour is the sign?", "red", "red and white"),
            says("does the sign say yield", "no"),
        ),
    ),
    Picture(
        "limit.jpg",
        (1200, 900),
        (
            road(0.55),
            shape("rectangle", (292, 400, 304, 760), "#6e6e6e"),
            sign("circle", (208, 250, 388, 430), WHITE, "70", 86, BLACK, "overpass", 800,
                 "#c8141e", 22),
            tint("#0000008c"),
            noise(8),
        ),
        (
            number("What is the speed limit here?", "70", "70 km/h", "70 mph"),
            says("Is the speed limit 50?", "no"),
            presence("is there a road in this picture?", "yes"),
        ),
    ),
    Picture(
        "bus.jpg",
        (2000, 1300),
        (
            road(0.45),
            shape("rounded", (500, 250, 1500, 1100), "#c81e28"),
            shape("rectangle", (560, 460, 1440, 800), "#3c505f"),
            shape("rectangle", (600, 300, 1400, 420), "#0f0f0f"),
            write("84", (700, 360), 106, "#ffb414", "source-code-pro"),
            write("HARBOUR", (1090, 360), 106, "#ffb414", "source-code-pro"),
            shape("circle", (570, 880, 670, 980), "#faf5c8"),
            shape("circle", (1330, 880, 1430, 980), "#faf5c8"),
            sign("rectangle", (860, 960, 1140, 1040), "#f5f5f5", "LX 2093", 60, BLACK, weight=700),
            shape("rectangle", (560, 1100, 740, 1180), "#141414"),
            shape("rectangle", (1260, 1100, 1440, 1180), "#141414"),
        ),
        (
            number("Which bus line is this?", "84"),
            pointed("where is the bus going", "Harbour"),
            number("What is the licence plate?", "LX 2093", "LX2093"),
            colour("bus color?", "red"),
        ),
    ),
    Picture(
        "car.jpg",
        (1600, 1000),
        (
            fade("#828791", "#46464b"),
            polygon(((450, 350), (1150, 350), (1300, 560), (300, 560)), "#284632"),
            polygon(((500, 380), (1100, 380), (1210, 540), (390, 540)), "#8ca0aa"),
            shape("rounded", (250, 540, 1350, 860), "#3c6e4b"),
            shape("rectangle", (320, 850, 480, 940), "#141414"),
            shape("rectangle", (1120, 850, 1280, 940), "#141414"),
            shape("circle", (290, 600, 410, 700), "#c8281e"),
            shape("circle", (1190, 600, 1310, 700), "#c8281e"),
            sign("rounded", (610, 720, 990, 810), "#fadc28", "KT 482 B", 70, BLACK, weight=700),
            soft(1.5),
        ),
        (
            number("read the number plate", "KT 482 B", "KT482B", "KT 482B", "KT482 B"),
            colour("What colour is the car?", "green", "dark green"),
            colour("Which color does the number plate have?", "yellow"),
        ),
    ),
    Picture(
        "taxi.jpg",
        (1280, 720),
        (
            road(0.5),
            tint("#00000066"),
            shape("rounded", (380, 420, 900, 640), "#ebbe1e"),
            polygon(((470, 430), (560, 310), (740, 310), (820, 430)), "#c8a01e"),
            sign("rounded", (560, 240, 740, 310), "#fffadc", "TAXI", 60, BLACK, weight=700),
            shape("circle", (425, 590, 535, 700), "#141414"),
            shape("circle", (745, 590, 855, 700), "#141414"),
            soft(3.5),
        ),
        (
            one_line("What is written on the roof of the car?", "TAXI"),
            colour("what colour is the car?", "yellow"),
        ),
    ),
    Picture(
        "parking.jpg",
        (1000, 1400),
        (
            bricks("#a0968c", 60),
            shape("rectangle", (488, 700, 512, 1400), "#787878"),
            turned(2, receding(
                0.8, 1,
                shape("rectangle", (290, 160, 710, 800), WHITE),
                outline("rectangle", (300, 170, 700, 790), "#1446aa", 8),
                sign("rectangle", (400, 200, 600, 400), "#1446aa", "P", 190, WHITE, weight=700),
                write("2 hours", (500, 490), 84, "#141414", weight=700),
                write("Mon – Sat", (500, 600), 62, "#141414"),
                write("8 – 18", (500, 700), 70, "#141414"),
            )),
        ),
        (
            number("How long can I park here?", "2 hours", "2", "two hours"),
            says("does the sign say 2 hours", "yes"),
            pointed("what letter is on the blue square", "P"),
        ),
    ),
    Picture(
        "rue.jpg",
        (1200, 800),
        (
            rough("#d7c8b4", 8),
            turned(
                -12,
                shape("rectangle", (190, 260, 1010, 500), "#143c82"),
                outline("rectangle", (198, 268, 1002, 492), "#288250", 12),
                write("RUE", (600, 340), 62, WHITE, "overpass", 800),
                write("DES TANNEURS", (600, 420), 86, WHITE, "overpass", 800),
            ),
        ),
        (
            lines("What street is this?", "Rue des Tanneurs", "des Tanneurs"),
            colour("color of the plate", "blue", "dark blue"),
        ),
    ),
    Picture(
        "forsale.jpg",
        (1500, 2000),
        (
            road(0.6),
            shape("rectangle", (300, 700, 900, 1300), "#dccdb4"),
            polygon(((250, 700), (600, 420), (950, 700)), "#963c2d"),
            shape("rectangle", (1190, 900, 1220, 1800), "#f0f0f0"),
            turned(
                3,
                shape("rectangle", (920, 790, 1440, 1210), WHITE),
                sign("rectangle", (920, 790, 1440, 970), "#005a46", "FOR SALE", 110, WHITE,
                     "archivo-narrow", 700),
                write("Pembry & Sons", (1180, 1050), 55, "#141414", "libre-baskerville", 700),
                write("0821 4460", (1180, 1140), 64, "#141414", weight=700),
            ),
        ),
        (
            lines("what does the sign in the garden say?", "FOR SALE",
                  "for sale Pembry & Sons 0821 4460"),
            pointed("Who is selling the house?", "Pembry & Sons", "Pembry and Sons"),
            number("What number should I call?", "0821 4460", "08214460"),
            says('Does the sign say "Sold"?', "no"),
        ),
    ),
)  # fmt: skip
