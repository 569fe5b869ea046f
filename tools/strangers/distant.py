"""Large pictures in which one sign, or a few, are small."""

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
    turned,
    write,
)

DISTANT = (
    Picture(
        "plate-on-a-wall.jpg",
        (3000, 2000),
        (
            grid((0, 0, 3000, 2000), 22, 34, "#b5705a", 8, shifted=True),
            shadowed(sign("rectangle", (2010, 860, 2230, 960), WHITE, "POTTERY", 42, BLACK,
                          "dm-sans", 700)),
        ),
        (
            one_line("What does the plate on the wall say?", "POTTERY"),
            says("Does the small plate say POTTERY?", "yes"),
            presence("is there something written on the wall", "yes"),
        ),
    ),
    Picture(
        "field.jpg",
        (2600, 1700),
        (
            fade("#9ccbec", "#f4f6ea"),
            shape("rectangle", (0, 900, 2600, 1700), "#9db457"),
            *(line(((1300, 880), (x, 1700)), "#8aa24a", 8) for x in range(-900, 3600, 300)),
            shape("rectangle", (686, 1040, 700, 1200), "#5f4630"),
            sign("rectangle", (590, 980, 796, 1080), YELLOW, "PRIVATE\nORCHARD", 36, BLACK,
                 "archivo-narrow", 700, gap=0.1),
        ),
        (
            lines("Whats on the yellow board in the field?", "PRIVATE ORCHARD"),
            says("Does the board say ORCHARD?", "yes"),
            presence("Is there a house in the field?", "no"),
        ),
    ),
    Picture(
        "row-of-shops.jpg",
        (3500, 1000),
        (
            fade("#bcd7e8", "#e8eef0"),
            shape("rectangle", (0, 860, 3500, 1000), "#85888a"),
            *(shape("rectangle", (x, top, x + 660, 880), wall) for x, top, wall in
              ((60, 200, "#e3d2b5"), (740, 120, "#d6b7a5"), (1420, 240, "#c9d3c0"),
               (2100, 150, "#d9c9da"), (2780, 220, "#d5dbe2"))),
            *(grid((x + 80, 480, x + 580, 800), 3, 1, "#4f6370", 20)
              for x in range(60, 3000, 680)),
            sign("rectangle", (200, 390, 580, 460), GREEN, "Florist", 50, WHITE, "spectral", 600),
            sign("rectangle", (880, 390, 1260, 460), RED, "Locksmith", 50, WHITE, "viga"),
            sign("rectangle", (1560, 390, 1940, 460), BLUE, "Laundry", 50, WHITE, "lexend"),
            sign("rectangle", (2240, 390, 2620, 460), BLACK, "Barber", 50, WHITE, "zilla-slab"),
            sign("rectangle", (2920, 390, 3300, 460), YELLOW, "Waffles", 50, BLACK, "titan-one"),
        ),
        (
            pointed("Which shop has the blue sign?", "Laundry"),
            pointed("What's the shop at the far right?", "Waffles"),
            pointed("what is written on the red sign", "Locksmith"),
            no_sign("What does the purple shop sign say?"),
        ),
    ),
    Picture(
        "office-block.jpg",
        (1800, 2600),
        (
            fade("#7fb0d8", "#dce9f1"),
            shape("rectangle", (260, 300, 1540, 2600), "#a9adb0"),
            grid((320, 520, 1480, 2380), 9, 14, "#466073", 40),
            sign("rectangle", (720, 360, 1080, 450), WHITE, "Kingsley & Co", 46, BLUE, "lexend"),
            shape("rectangle", (830, 2420, 970, 2600), "#33383c"),
        ),
        (
            one_line("Whose name is at the top of the building?", "Kingsley & Co"),
            colour("are the letters on the building blue", "yes"),
            no_object("What colour is the car in front of the building?"),
        ),
    ),
    Picture(
        "beach.jpg",
        (2800, 1600),
        (
            fade("#8ecdf2", "#e7f5fb", (0, 0, 2800, 700)),
            fade("#2a86b8", "#6fbcd4", (0, 690, 2800, 1050)),
            shape("rectangle", (0, 1040, 2800, 1600), "#ead9ac"),
            shape("flag", (560, 830, 700, 1120), RED),
            shape("rectangle", (1983, 1130, 1997, 1300), "#7a6242"),
            sign("rectangle", (1855, 1080, 2125, 1190), WHITE, "SWIMMING\nFORBIDDEN", 36, RED,
                 "overpass", 700, RED, 5, gap=0.1),
        ),
        (
            lines("What does the notice on the beach say?", "SWIMMING FORBIDDEN"),
            says("does the notice say anything of kayaks", "no"),
        ),
    ),
    Picture(
        "platform.jpg",
        (2400, 1350),
        (
            fade("#d5dadd", "#aeb6ba"),
            polygon(((0, 1350), (1100, 780), (1300, 780), (2400, 1350)), "#8d8f8c"),
            polygon(((0, 0), (2400, 0), (1500, 420), (900, 420)), "#56616a"),
            line(((760, 180), (760, 480)), "#333333", 8),
            sign("rectangle", (660, 480, 860, 570), BLUE, "Platform 9", 38, WHITE, "overpass"),
            line(((1640, 180), (1640, 500)), "#333333", 8),
            sign("rectangle", (1550, 500, 1730, 580), BLACK, "16:52", 58, "#ffb933",
                 "source-code-pro", 700),
        ),
        (
            number("What time is it at the station?", "16:52"),
            number("Which platform is this?", "9", "Platform 9"),
            pointed("What does the blue sign say?", "Platform 9"),
            says("Does it say Platform 4?", "no"),
        ),
    ),
    Picture(
        "mountain-hut.jpg",
        (3000, 1700),
        (
            fade("#5d97cf", "#dcebf5"),
            polygon(((0, 1700), (0, 1000), (900, 300), (1500, 900), (2200, 380), (3000, 1050),
                     (3000, 1700)), "#8790a0"),
            polygon(((0, 1700), (0, 1350), (1400, 1180), (3000, 1400), (3000, 1700)), "#5f8f4d"),
            shape("house", (1240, 980, 1640, 1280), "#7c4c2a"),
            sign("rectangle", (1296, 1106, 1414, 1154), WHITE, "2140 m", 26, BLACK, "dm-sans",
                 700),
        ),
        (
            one_line("What's on the little plate of the hut?", "2140 m", "2140m"),
            presence("Is there a house in the mountains?", "yes"),
            no_sign("What's on the green sign?"),
        ),
    ),
    Picture(
        "harbour.jpg",
        (3200, 1500),
        (
            fade("#a7d0ea", "#f1f3ea", (0, 0, 3200, 720)),
            fade("#3a7fa6", "#1f5578", (0, 700, 3200, 1500)),
            *(polygon(((x, 860), (x + 760, 860), (x + 660, 1040), (x + 110, 1040)), ink)
              for x, ink in ((180, RED), (1200, WHITE), (2240, GREEN))),
            *(shape("rectangle", (x, 640, x + 240, 860), "#f3efe4") for x in (420, 1440, 2480)),
            write("Albatross", (560, 940), 58, WHITE, "spectral", 700),
            write("Mermaid", (1580, 940), 58, BLACK, "spectral", 700),
            write("Neptune", (2620, 940), 58, WHITE, "spectral", 700),
        ),
        (
            pointed("What is the name of the green boat?", "Neptune"),
            pointed("And the white boat in the middle?", "Mermaid"),
            says("Is one of the boats called Albatross?", "yes"),
            colour("What colour is the boat called Albatross?", "red"),
        ),
    ),
    Picture(
        "gym-wall.jpg",
        (2600, 1500),
        (
            grid((0, 0, 2600, 1500), 26, 20, "#d8cfae", 4, shifted=True),
            shape("rectangle", (0, 1240, 2600, 1500), "#b98650"),
            shape("rectangle", (1120, 330, 1480, 500), BLACK),
            write("LIONS  BEARS", (1300, 375), 36, WHITE, "dm-sans", 600),
            write("21 : 17", (1300, 450), 64, "#ff5a36", "source-code-pro", 700),
        ),
        (
            number("Whats the score?", "21 : 17", "21:17", "21-17", "21 - 17"),
            says("does the board say LIONS", "yes"),
            presence("Is there a cup on the board?", "no"),
        ),
    ),
    Picture(
        "desk-from-above.jpg",
        (2400, 1800),
        (
            fade("#8b6b4c", "#75573a"),
            shadowed(shape("rounded", (260, 240, 1320, 940), "#2f3337")),
            grid((330, 300, 1250, 820), 14, 5, "#54595e", 12),
            shadowed(shape("circle", (1740, 300, 2060, 620), WHITE)),
            shape("circle", (1790, 350, 2010, 570), "#4a2a17"),
            turned(-11, shadowed(sign("rectangle", (1480, 1200, 1720, 1400), "#ffe46b",
                                      "rehearsal\n5 pm", 50, "#222244", "kalam", 400, gap=0.1))),
            grain(0.06),
        ),
        (
            lines("What's on the note on my desk?", "rehearsal 5 pm", "rehearsal 5pm"),
            no_sign("What does the blue note say?"),
        ),
    ),
    Picture(
        "hot-air-balloon.jpg",
        (1500, 2400),
        (
            fade("#4d97d8", "#e9f3f8"),
            shape("rectangle", (0, 2150, 1500, 2400), "#78a058"),
            shape("balloon", (720, 520, 1120, 1000), ORANGE),
            shape("rectangle", (885, 1050, 955, 1110), "#6b4a2b"),
            line(((900, 980), (890, 1055)), "#444444", 4),
            line(((940, 980), (950, 1055)), "#444444", 4),
            write("SATURN", (920, 720), 74, BLACK, "viga"),
        ),
        (
            one_line("What is written on the balloon?", "SATURN"),
            colour("what colour is the balloon?", "orange"),
            says("Does the balloon say VENUS?", "no"),
        ),
    ),
)  # fmt: skip
