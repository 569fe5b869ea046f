"""Shops, stalls, menus and tickets: names, goods and prices."""

from __future__ import annotations

from tools.strangers.asks import (
    Picture,
    colour,
    lines,
    no_sign,
    number,
    one_line,
    pointed,
    says,
)
from tools.strangers.drawing import (
    BLACK,
    GREEN,
    ORANGE,
    PURPLE,
    RED,
    WHITE,
    YELLOW,
    column,
    fade,
    grain,
    grid,
    line,
    shadowed,
    shape,
    sign,
    soft,
    turned,
    write,
)

SHOPS = (
    Picture(
        "menu.jpg",
        (900, 1200),
        (
            fade("#fbf5e6", "#f3e9d0"),
            shape("rectangle", (40, 40, 860, 1160), "#fffaf0", "#7a5a2b", 6),
            write("Noodles & More", (450, 160), 84, "#7a2b1d", "zilla-slab", 700),
            line(((110, 250), (790, 250)), "#7a5a2b", 4),
            column(("Dumplings", "Fried rice", "Lasagne", "Lemonade"), (110, 380), 170, 64,
                   face="spectral"),
            column(("5.20", "7.80", "9.40", "2.60"), (790, 380), 170, 64, face="spectral",
                   anchor="rm"),
        ),
        (
            number("How much are the dumplings?", "5.20"),
            number("Price of the lasagne?", "9.40"),
        ),
    ),
    Picture(
        "ticket.png",
        (1400, 600),
        (
            fade("#40474f", "#2c3138"),
            shadowed(shape("rounded", (60, 70, 1340, 530), "#f8efd2")),
            *(shape("circle", (985, y, 1005, y + 20), "#40474f") for y in range(90, 520, 44)),
            write("CIRCUS ROLANDO", (520, 180), 88, "#a3211f", "viga"),
            write("Saturday 19:30", (520, 330), 70, "#222222", "lexend"),
            write("SEAT", (1170, 180), 64, "#222222", "lexend"),
            write("47", (1170, 350), 170, "#a3211f", "lexend", 700),
        ),
        (
            number("What's my seat number?", "47"),
            number("When does it start?", "19:30", "Saturday 19:30", "at 19:30"),
            says("Does it say Sunday on the ticket?", "no"),
        ),
    ),
    Picture(
        "jam-label.jpg",
        (640, 800),
        (
            fade("#efe7dc", "#d9cdbd"),
            shape("rounded", (130, 90, 510, 760), "#5c1230"),
            shape("rounded", (110, 50, 530, 150), "#b9a27c"),
            shape("rectangle", (130, 310, 510, 570), "#fff8ea"),
            write("PLUM\nJAM", (320, 410), 78, "#4a1030", "zilla-slab", 700, gap=0.1),
            write("2019", (320, 528), 44, "#444444", "kalam"),
        ),
        (
            number("From which year is the jam?", "2019"),
            pointed("What sort of jam is it, as the label says?", "PLUM JAM", "PLUM"),
            says("does the jar say cherry", "no"),
        ),
    ),
    Picture(
        "price-tag.png",
        (500, 300),
        (
            fade("#e5e2dc", "#d5d1c9"),
            shadowed(shape("rounded", (30, 40, 470, 260), YELLOW)),
            write("Cherries 1 kg", (250, 95), 48, BLACK, "archivo-narrow", 600),
            write("$3.49", (250, 190), 100, RED, "lexend", 700),
        ),
        (
            number("how much is it?", "$3.49", "3.49", "$ 3.49"),
            lines("What is on the price tag?", "Cherries 1 kg $3.49", "Cherries 1 kg $ 3.49"),
        ),
    ),
    Picture(
        "shop-front.jpg",
        (2200, 1500),
        (
            grid((0, 0, 2200, 1500), 20, 28, "#a35d4a", 5, shifted=True),
            shape("rectangle", (0, 1330, 2200, 1500), "#8f9193"),
            shape("rectangle", (250, 300, 1950, 1340), "#2f5d50"),
            write("Fiona's Candles", (1100, 420), 150, "#f7ecc8", "libre-baskerville", 700),
            fade("#bcd3da", "#e6eeee", (340, 560, 1250, 1240)),
            fade("#93adb6", "#c3d3d6", (1380, 560, 1860, 1340)),
            shape("rectangle", (1540, 840, 1700, 940), WHITE),
            write("9:00 - 17:30", (1620, 890), 26, BLACK, "dm-sans", 600),
        ),
        (
            pointed("What's the shop called?", "Fiona's Candles"),
            number("What are the hours on the small plate on the door?", "9:00 - 17:30",
                   "9:00-17:30", "9:00 to 17:30"),
        ),
    ),
    Picture(
        "market-stall.jpg",
        (2000, 1400),
        (
            fade("#c5dcea", "#e9eee6"),
            *(shape("rectangle", (x, 200, x + 200, 420), ink) for x, ink in
              zip(range(100, 1900, 200), (RED, WHITE) * 5, strict=False)),
            shape("rectangle", (100, 900, 1900, 1300), "#8a6238"),
            *(shape("circle", (x, 800, x + 100, 900), ink) for x, ink in
              zip(range(130, 1800, 110), ["#9ab83a"] * 5 + ["#6d3d8c"] * 5 + ["#e8a33a"] * 6,
                  strict=False)),
            sign("rectangle", (260, 960, 520, 1060), GREEN, "Pears 1.80", 42, WHITE),
            sign("rectangle", (850, 960, 1110, 1060), PURPLE, "Grapes 3.20", 42, WHITE),
            sign("rectangle", (1440, 960, 1700, 1060), ORANGE, "Melon 2.50", 42, BLACK),
        ),
        (
            number("How much do the grapes cost?", "3.20"),
            pointed("What is on the orange sign?", "Melon 2.50", "Melon"),
            no_sign("What does the blue sign on the stall say?"),
        ),
    ),
    Picture(
        "cafe-blackboard.jpg",
        (1000, 1300),
        (
            fade("#c7b69b", "#a8977c"),
            turned(-2, shadowed(
                shape("rectangle", (150, 120, 850, 1180), "#6b4a2c"),
                shape("rectangle", (190, 160, 810, 1140), "#1d2421"),
                write("today", (500, 330), 110, "#f5d76a", "kalam", 700),
                write("leek stew\nand rye roll", (500, 640), 106, "#f4f4ef", "kalam"),
                write("4.90", (500, 970), 130, "#f4f4ef", "kalam", 700),
            )),
            grain(0.06),
        ),
        (
            number("What does the stew cost?", "4.90"),
            lines("What do they serve today, in white chalk above the price?",
                  "leek stew and rye roll", "leek stew"),
        ),
    ),
    Picture(
        "supermarket-shelf.jpg",
        (2600, 1600),
        (
            fade("#e9ebec", "#d3d7d9"),
            *(grid((100, y, 2500, y + 300), 20, 1, ink, 24) for y, ink in
              ((120, "#c98d3f"), (620, "#7d9bb0"), (1120, "#a8455a"))),
            *(shape("rectangle", (60, y, 2540, y + 80), "#9aa0a4") for y in (430, 930, 1430)),
            sign("rectangle", (700, 436, 900, 504), WHITE, "Mustard 1.15", 30),
            sign("rectangle", (1560, 936, 1760, 1004), WHITE, "Walnuts 4.35", 30),
            sign("rectangle", (1010, 1436, 1210, 1504), YELLOW, "Pickles 2.05", 30),
        ),
        (
            number("What do the walnuts cost?", "4.35"),
            pointed("What's on the yellow price tag?", "Pickles 2.05", "Pickles"),
            pointed("And what is on the tag on the top shelf?", "Mustard 1.15", "Mustard"),
        ),
    ),
    Picture(
        "receipt.png",
        (600, 1000),
        (
            fade("#55606a", "#434c55"),
            shadowed(shape("rectangle", (70, 40, 530, 960), "#fdfdfb")),
            write("COBBLER'S", (300, 130), 64, BLACK, "source-code-pro", 700),
            column(("Laces", "Heels", "Polish"), (110, 300), 110, 46, face="source-code-pro"),
            column(("2.40", "18.00", "6.70"), (490, 300), 110, 46, face="source-code-pro",
                   anchor="rm"),
            line(((110, 620), (490, 620)), BLACK, 4),
            write("TOTAL", (110, 720), 52, BLACK, "source-code-pro", 700, "lm"),
            write("27.10", (490, 720), 52, BLACK, "source-code-pro", 700, "rm"),
        ),
        (
            number("What's the total on the receipt?", "27.10"),
            pointed("whats the first line of the receipt", "COBBLER'S", "COBBLERS"),
        ),
    ),
    Picture(
        "film-house.jpg",
        (2400, 1600),
        (
            fade("#0c1230", "#2a2350"),
            shape("rectangle", (600, 500, 1800, 1600), "#4b3545"),
            grid((700, 900, 1700, 1250), 8, 2, "#e8c66a", 70),
            shape("rectangle", (960, 580, 1440, 740), "#1a0d14"),
            write("ROXY", (1200, 660), 110, "#ff4d6d", "viga"),
            shape("rectangle", (1040, 1400, 1360, 1600), "#181015"),
        ),
        (
            one_line("Whats the name in lights on this building?", "ROXY"),
            says("Does it say ODEON?", "no"),
        ),
    ),
    Picture(
        "neon.jpg",
        (1200, 800),
        (
            fade("#3a3040", "#3a3040"),
            grid((0, 0, 1200, 800), 10, 16, "#1b1620", 4, shifted=True),
            write("jazz cellar", (600, 400), 170, "#ff3fb0", "kalam"),
            soft(9),
            write("jazz cellar", (600, 400), 170, "#ffd9f0", "kalam"),
        ),
        (
            one_line("What's the neon sign saying?", "jazz cellar"),
            says("does it say jazz", "yes"),
        ),
    ),
    Picture(
        "sticker.png",
        (420, 420),
        (
            fade("#e8eef1", "#cfd9de"),
            turned(12, sign("circle", (50, 50, 370, 370), RED, "-30 %", 84, WHITE, "titan-one")),
        ),
        (
            number("How many per cent off?", "-30 %", "-30%", "30 %", "30%", "30"),
            colour("Is the sticker blue?", "no"),
        ),
    ),
)  # fmt: skip
