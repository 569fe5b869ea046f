"""Shops and houses from outside, and what a shop sells by."""

from __future__ import annotations

from tools.strangers.asks import (
    Picture,
    colour,
    number,
    pointed,
    presence,
    says,
)
from tools.strangers.drawing import (
    BLACK,
    WHITE,
    fade,
    shape,
    sign,
    tint,
    turned,
    write,
)
from tools.strangers.second.drawing import bricks, glowing, leaning, noise

HOUSES = (
    Picture(
        "bakery.jpg",
        (1600, 1200),
        (
            bricks("#aa9682"),
            sign("rectangle", (120, 250, 1480, 430), "#283c32", "Marrow & Finch", 124,
                 "#f0e1b4", "libre-baskerville", 700),
            shape("rectangle", (120, 470, 900, 1200), "#3c4650"),
            shape("rectangle", (150, 560, 870, 1080), "#aabec3"),
            *(shape("rectangle", (x, 430, x + 100, 540), ink) for x, ink in
              zip(range(120, 920, 100), ("#c82828", "#f5f5f0") * 4, strict=True)),
            *(shape("circle", (x, 980, x + 100, 1050), "#be823c")
              for x in range(200, 850, 130)),
            leaning(write("fresh bread daily", (510, 760), 74, "#46281e", "spectral", 700)),
            shape("rectangle", (1000, 500, 1400, 1200), "#5a3723"),
            shape("rectangle", (1050, 560, 1350, 900), "#b4c8cd"),
            turned(5, sign("rectangle", (1090, 665, 1310, 775), "#fafafa", "OPEN", 64, "#be1414",
                           weight=700)),
        ),
        (
            pointed("whats the name of this shop", "Marrow & Finch", "marrow and finch"),
            pointed("What is written on the door?", "OPEN"),
            says('Does it say "closed" on the door?', "no"),
            colour("What colour are the stripes of the awning, besides white?", "red"),
        ),
    ),
    Picture(
        "pharmacy.jpg",
        (1080, 1440),
        (
            bricks("#5a505a", 50),
            tint("#000000a6"),
            glowing(
                shape("rectangle", (480, 250, 600, 610), "#14dc5a"),
                shape("rectangle", (360, 370, 720, 490), "#14dc5a"),
                write("PHARMACY", (540, 760), 120, "#28f078", weight=700),
                write("24h", (540, 900), 90, "#f05a3c", weight=700),
            ),
            noise(9),
        ),
        (
            pointed("What kind of shop is this? read the sign", "PHARMACY", "a pharmacy",
                    "PHARMACY 24h"),
            colour("which colour is the cross", "green"),
            presence("Is there a car in the picture?", "no"),
        ),
    ),
    Picture(
        "shelf.jpg",
        (1800, 1200),
        (
            fade("#5a5550", "#5a5550"),
            *(shape("rounded", (x + place * 125, 180, x + 105 + place * 125, 760), ink)
              for x, ink in ((80, "#c83c32"), (670, "#3c8c46"), (1260, "#e6aa32"))
              for place in range(4)),
            shape("rectangle", (0, 770, 1800, 830), "#b4b4b9"),
            *(shape("rectangle", (x - 230, 820, x + 230, 1080), WHITE) for x in (330, 920, 1510)),
            *(write(name, (x, 880), 56, BLACK, weight=700)
              for name, x in (("Tomatoes", 330), ("Peas", 920), ("Mustard", 1510))),
            *(write(price, (x, 1000), 114, "#c81414", "overpass", 800)
              for price, x in (("1.29", 330), ("0.85", 920), ("2.15", 1510))),
        ),
        (
            number("How much are the peas?", "0.85"),
            pointed("What is sold on the right?", "Mustard", "Mustard 2.15"),
            number("whats the price of mustard", "2.15"),
            says('Do any of the labels say "peas"?', "yes"),
        ),
    ),
    Picture(
        "sale.png",
        (300, 300),
        (
            fade("#dc1e28", "#dc1e28"),
            write("SALE", (150, 110), 90, WHITE, "lexend", 700),
            write("-30%", (150, 210), 70, "#ffe63c", "lexend", 700),
        ),
        (
            number("How much is the discount?", "30%", "-30%", "30", "30 %"),
            pointed("what is on top", "SALE"),
            colour("What is the background color?", "red"),
        ),
    ),
    Picture(
        "housenumber.jpg",
        (320, 400),
        (
            bricks("#8c4637", 32),
            sign("circle", (80, 120, 240, 280), "#f5f5f0", "7b", 84, "#143c8c",
                 "libre-baskerville", 700, "#143c8c", 8),
        ),
        (
            number("which house number is it", "7b"),
            presence("Is there a letterbox?", "no"),
        ),
    ),
)  # fmt: skip
