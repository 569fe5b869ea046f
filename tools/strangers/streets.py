"""Plates and boards along streets, roads and corridors."""

from __future__ import annotations

from tools.strangers.asks import (
    Picture,
    colour,
    lines,
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
    GREEN,
    ORANGE,
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
    soft,
    tint,
    turned,
    write,
)

POST = "#8b9095"

STREETS = (
    Picture(
        "street-and-number.jpg",
        (1300, 900),
        (
            grid((0, 0, 1300, 900), 9, 15, "#d9b48a", 6, shifted=True),
            shadowed(sign("rounded", (120, 200, 860, 430), BLUE, "Linden Row", 118, WHITE,
                          "overpass", edge=WHITE, width=10)),
            shadowed(sign("circle", (960, 470, 1200, 710), WHITE, "48", 120, BLACK,
                          "zilla-slab", 700, BLACK, 8)),
        ),
        (
            pointed("Which street is this?", "Linden Row"),
            number("What's the house number?", "48"),
            colour("what colour is the street sign", "blue"),
            no_sign("What does the triangle say?"),
        ),
    ),
    Picture(
        "bus-front.jpg",
        (1000, 1000),
        (
            fade("#c6d8e4", "#8f979c"),
            shape("rounded", (110, 90, 890, 930), RED),
            shape("rectangle", (170, 260, 830, 560), "#2c3a47"),
            shape("rectangle", (170, 140, 830, 240), BLACK),
            write("72  Eastgate", (500, 190), 84, "#ffb52b", "viga"),
            shape("circle", (160, 680, 270, 790), "#fff6cf"),
            shape("circle", (730, 680, 840, 790), "#fff6cf"),
            shape("rectangle", (390, 790, 610, 860), WHITE),
            write("LB 3092", (500, 826), 50, BLACK, "archivo-narrow", 700),
        ),
        (
            pointed("Where is the bus going?", "Eastgate", "72 Eastgate"),
            number("Which line is it?", "72"),
            says("does it say Eastgate on the bus", "yes"),
            number("Read the number plate.", "LB 3092", "LB3092"),
        ),
    ),
    Picture(
        "warning-triangle.png",
        (640, 640),
        (
            fade("#aebfcb", "#dde5e9"),
            shape("rectangle", (306, 500, 334, 640), POST),
            sign("triangle", (60, 60, 580, 520), WHITE, "ROCKS", 66, BLACK, "overpass", 800, RED,
                 36, low=0.21),
        ),
        (
            one_line("What am I warned of?", "ROCKS"),
            colour("What colour is the edge of the triangle?", "red"),
            no_sign("What's written on the hexagon?"),
            presence("Is there a sign here?", "yes"),
        ),
    ),
    Picture(
        "three-line-notice.jpg",
        (800, 1000),
        (
            fade("#93b7d6", "#d8e6ef", (0, 0, 800, 700)),
            shape("rectangle", (0, 690, 800, 1000), "#7c9a53"),
            shape("rectangle", (380, 600, 420, 1000), POST),
            shadowed(sign("rounded", (150, 120, 650, 660), WHITE, "Permit\nMo - Fr\n8 - 18 h", 118,
                          BLUE, "overpass", 700, BLUE, 14)),
        ),
        (
            lines("What does the parking sign say, all three lines?",
                  "Permit Mo - Fr 8 - 18 h", "Permit Mo-Fr 8-18 h", "Permit Mo-Fr 8-18h"),
            colour("Are the letters green?", "no"),
        ),
    ),
    Picture(
        "two-side-by-side.png",
        (1200, 600),
        (
            fade("#f0ede6", "#d6d1c6"),
            shadowed(sign("rectangle", (80, 150, 560, 450), RED, "TAILOR", 110, WHITE, "viga")),
            shadowed(sign("rectangle", (640, 150, 1120, 450), GREEN, "OPTICIAN", 92, WHITE,
                          "viga")),
        ),
        (
            pointed("What does the red sign say?", "TAILOR"),
            pointed("what's on the right one", "OPTICIAN"),
            no_sign("What does the yellow sign say?"),
            says("Does the green sign say TAILOR?", "no"),
        ),
    ),
    Picture(
        "garden-gate.jpg",
        (1100, 800),
        (
            fade("#bfe0f5", "#e9f5fb"),
            shape("rectangle", (0, 620, 1100, 800), "#6d9c4b"),
            grid((0, 180, 1100, 700), 16, 1, "#8c6239", 12),
            turned(-3, sign("rectangle", (310, 300, 790, 520), YELLOW, "Beware of\nthe goat", 84,
                            BLACK, "kalam", 700, gap=0.1)),
        ),
        (
            lines("Whats on the yellow sign?", "Beware of the goat"),
            says("Does it say beware of the dog?", "no"),
            says("Does the sign warn of a goat?", "yes"),
            presence("Can you see a lamp?", "no"),
        ),
    ),
    Picture(
        "speed.png",
        (260, 420),
        (
            fade("#9fc3dd", "#e1ecf2"),
            shape("rectangle", (122, 200, 138, 420), POST),
            sign("circle", (40, 40, 220, 220), WHITE, "30", 96, BLACK, "archivo-narrow", 700, RED,
                 22),
        ),
        (
            number("How fast may I go here?", "30"),
            presence("Is there a round sign?", "yes"),
            no_sign("What does the blue sign say?"),
        ),
    ),
    Picture(
        "number-plate.jpg",
        (1500, 800),
        (
            fade("#35566e", "#1d3548"),
            shape("rounded", (150, 500, 1350, 740), "#16242f"),
            shadowed(sign("rounded", (420, 250, 1080, 410), WHITE, "KX 4471 B", 118, BLACK,
                          "archivo-narrow", 700, BLACK, 6)),
            *(shape("rounded", box, "#d7362a") for box in
              ((120, 200, 320, 330), (1180, 200, 1380, 330))),
            grain(0.12),
        ),
        (
            one_line("What does it say on the plate of this car?", "KX 4471 B", "KX4471B",
                     "KX 4471B"),
            colour("Is the number plate white?", "yes"),
        ),
    ),
    Picture(
        "motorway.jpg",
        (1600, 900),
        (
            fade("#7db0dc", "#d5e6f2"),
            polygon(((0, 900), (620, 560), (980, 560), (1600, 900)), "#5b6064"),
            line(((800, 570), (800, 900)), "#f2f2f2", 12),
            shape("rectangle", (330, 300, 355, 700), POST),
            shape("rectangle", (1245, 300, 1270, 700), POST),
            sign("rounded", (280, 80, 1320, 470), BLUE, "Ashford  12\nBramley  27\nKingsley  58",
                 94, WHITE, "overpass", edge=WHITE, width=10, gap=0.25),
        ),
        (
            number("How far is it to Bramley?", "27", "27 km", "27 miles"),
            pointed("Which town is at the bottom of the board?", "Kingsley", "Kingsley 58"),
            lines("Read all lines of the road sign.", "Ashford 12 Bramley 27 Kingsley 58"),
            says("does it say Thornbury anywhere", "no"),
        ),
    ),
    Picture(
        "signposts.jpg",
        (900, 1200),
        (
            fade("#a9d3ee", "#eef6f3"),
            polygon(((0, 900), (400, 760), (900, 880), (900, 1200), (0, 1200)), "#5f9448"),
            shape("rectangle", (430, 180, 470, 1120), "#6a4a2c"),
            sign("pointing right", (390, 240, 850, 370), YELLOW, "Summit 3 km", 60, BLACK,
                 "dm-sans", 700),
            sign("pointing left", (60, 440, 520, 570), WHITE, "Picnic 500 m", 58, BLACK,
                 "dm-sans", 700),
        ),
        (
            number("How many km to the summit?", "3", "3 km"),
            pointed("What's on the white signpost?", "Picnic 500 m", "Picnic"),
            no_sign("What does the orange signpost say?"),
        ),
    ),
    Picture(
        "roadworks.jpg",
        (1000, 750),
        (
            fade("#d7dfe3", "#b4bcc0"),
            shape("rectangle", (0, 560, 1000, 750), "#6d6f70"),
            shape("rectangle", (485, 480, 515, 680), POST),
            turned(1.5, sign("diamond", (260, 40, 740, 520), ORANGE, "SINGLE\nFILE", 78, BLACK,
                             "overpass", 800, BLACK, 10, gap=0.1)),
            polygon(((120, 690), (160, 540), (190, 540), (230, 690)), "#e8561e"),
            polygon(((770, 690), (810, 540), (840, 540), (880, 690)), "#e8561e"),
        ),
        (
            lines("read the orange sign", "SINGLE FILE"),
            colour("what colour is the diamond", "orange"),
        ),
    ),
    Picture(
        "foggy-pier.jpg",
        (1400, 900),
        (
            fade("#aab6bc", "#7f8e95"),
            shape("rectangle", (0, 640, 1400, 900), "#6b7a80"),
            shape("rectangle", (640, 420, 670, 760), "#4e4a45"),
            shape("rectangle", (830, 420, 860, 760), "#4e4a45"),
            sign("rectangle", (480, 250, 1020, 450), "#e9e5da", "FERRY", 150, "#39444a",
                 "zilla-slab", 700),
            soft(3),
            tint("#c7d0d466"),
        ),
        (
            one_line("What can you make out on the sign in the fog?", "FERRY"),
            says("Is FERRY on the sign?", "yes"),
            presence("is there a dog on the pier", "no"),
        ),
    ),
)  # fmt: skip
