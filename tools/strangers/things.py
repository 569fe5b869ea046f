"""Drawings and views with little writing or none: objects large and small, landscapes."""

from __future__ import annotations

from tools.strangers.asks import Picture, colour, no_object, no_sign, one_line, presence, says
from tools.strangers.drawing import (
    BLACK,
    BLUE,
    GREEN,
    ORANGE,
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

THINGS = (
    Picture(
        "big-star.png",
        (1000, 1000),
        (
            fade("#ffffff", "#f6f6f2"),
            turned(7, shape("star", (60, 60, 940, 940), YELLOW)),
        ),
        (
            presence("Is there a star?", "yes"),
            colour("What colour is the star my daughter drew?", "yellow"),
            presence("is there any text", "no"),
            no_sign("What does the sign say?"),
        ),
    ),
    Picture(
        "house-and-sun.jpg",
        (1400, 1000),
        (
            fade("#8fcbf3", "#dff1fb"),
            shape("rectangle", (0, 740, 1400, 1000), "#63ad45"),
            shape("circle", (1090, 70, 1310, 290), "#ffd735"),
            shape("house", (320, 320, 860, 800), RED),
            shape("rectangle", (546, 636, 646, 800), "#6b3d1e"),
            shape("crown", (960, 440, 1200, 690), GREEN),
            shape("rectangle", (1060, 660, 1100, 810), "#6b3d1e"),
        ),
        (
            presence("Is there a house in the drawing?", "yes"),
            presence("Can you see a car?", "no"),
            no_object("What colour is the flag?"),
            no_sign("what does it say on the green sign"),
        ),
    ),
    Picture(
        "mountains.jpg",
        (2400, 1000),
        (
            fade("#6fa8dc", "#f3d9b8"),
            polygon(((0, 1000), (0, 620), (420, 260), (760, 600), (1180, 180), (1620, 640),
                     (1980, 360), (2400, 700), (2400, 1000)), "#7d8596"),
            polygon(((0, 1000), (0, 800), (700, 690), (1500, 850), (2400, 720), (2400, 1000)),
                    "#4c7a45"),
            *(shape("cloud", (x, y, x + 300, y + 110), "#ffffffcc") for x, y in
              ((200, 90), (1500, 60), (1960, 170))),
            grain(0.06),
        ),
        (
            no_sign("What does the red sign say?"),
            presence("Is there a sign in this landscape?", "no"),
            no_sign("whats on the notice"),
        ),
    ),
    Picture(
        "car.jpg",
        (1600, 900),
        (
            fade("#b9d7ea", "#eef4f3"),
            shape("rectangle", (0, 600, 1600, 900), "#70757a"),
            line(((0, 800), (1600, 800)), "#f4f4f4", 10),
            shape("car", (300, 270, 1300, 740), BLUE),
            shape("circle", (435, 565, 625, 740), BLACK),
            shape("circle", (975, 565, 1165, 740), BLACK),
        ),
        (
            presence("Is that a car?", "yes"),
            colour("Is the car red?", "no"),
            colour("What colour is the car?", "blue"),
            presence("Is there a number plate with text on it?", "no"),
        ),
    ),
    Picture(
        "lamp-on-table.png",
        (700, 1000),
        (
            fade("#efe3d2", "#dfcdb4"),
            shape("rectangle", (0, 800, 700, 860), "#7a4c29"),
            shape("lamp", (210, 330, 490, 800), PURPLE),
        ),
        (
            presence("is there a lamp on the table", "yes"),
            colour("What colour's the lamp?", "purple"),
            presence("Is there a key on the table?", "no"),
        ),
    ),
    Picture(
        "tiny-key.jpg",
        (2000, 1500),
        (
            fade("#d9c7a8", "#c2ab85"),
            *(line(((0, y), (2000, y)), "#b89f78", 3) for y in range(150, 1500, 190)),
            shadowed(turned(25, shape("key", (1420, 980, 1540, 1040), BLACK)), by=(4, 5), blur=4),
            grain(0.05),
        ),
        (
            presence("I lost my key, is there a key on the floor?", "yes"),
            presence("Is there a heart on the floor?", "no"),
            no_object("What colour is the star?"),
        ),
    ),
    Picture(
        "pond.jpg",
        (1800, 1200),
        (
            fade("#3f8fb5", "#1b5b82"),
            *(shape("circle", (x, y, x + 150, y + 70), "#2f8a4a") for x, y in
              ((200, 180), (1450, 240), (330, 960))),
            shape("fish", (1020, 640, 1180, 730), ORANGE),
        ),
        (
            presence("Can you see a fish in the pond?", "yes"),
            colour("What colour is the fish?", "orange"),
            presence("Is there a sign at the pond?", "no"),
        ),
    ),
    Picture(
        "blank.png",
        (800, 600),
        (fade("#f7f7f5", "#ececea"),),
        (
            presence("Is there anything written on this page?", "no"),
            no_sign("What's the word on the page?"),
            no_object("Which colour has the tree?"),
        ),
    ),
    Picture(
        "flag-on-hill.jpg",
        (1500, 1500),
        (
            fade("#87bde8", "#e8f3fa"),
            polygon(((0, 1500), (0, 1200), (750, 860), (1500, 1180), (1500, 1500)), "#5c9a49"),
            shape("flag", (740, 640, 900, 880), RED),
        ),
        (
            presence("Is there a flag on the hill?", "yes"),
            colour("Is the flag red?", "yes"),
            no_sign("What is written on the board beside the flag?"),
        ),
    ),
    Picture(
        "cup-and-word.png",
        (900, 700),
        (
            fade("#fdf4e8", "#f3e2cb"),
            shadowed(shape("cup", (250, 160, 690, 560), BLUE), by=(10, 12)),
            write("COCOA", (415, 360), 70, WHITE, "titan-one"),
        ),
        (
            one_line("What's printed on the cup?", "COCOA"),
            says("does the cup say espresso?", "no"),
        ),
    ),
    Picture(
        "fir-forest.jpg",
        (2200, 1400),
        (
            fade("#b8cfdb", "#e4ebe6"),
            shape("rectangle", (0, 1050, 2200, 1400), "#7d9468"),
            *(shape("fir", (x, 420 + x % 7 * 25, x + 260, 1120 + x % 5 * 30), "#23603a")
              for x in range(20, 2100, 233)),
            shape("rectangle", (1290, 1130, 1300, 1250), "#5d4630"),
            sign("rectangle", (1215, 1080, 1375, 1160), WHITE, "REFUGE", 34, BLACK, "dm-sans", 700),
        ),
        (
            one_line("What does the little sign in the forest say?", "REFUGE"),
            presence("is there a sign somewhere", "yes"),
            presence("Do you see a dog in the forest?", "no"),
        ),
    ),
    Picture(
        "dog.png",
        (900, 650),
        (
            fade("#fbfbf8", "#eeeee6"),
            shape("rectangle", (0, 540, 900, 650), "#a7c784"),
            shape("dog", (220, 170, 680, 570), "#6a4526"),
        ),
        (
            presence("Is there a house behind the dog?", "no"),
            no_sign("What does the dog's name tag say?"),
            no_object("What colour is the lamp?"),
        ),
    ),
    Picture(
        "shapes-only.png",
        (1000, 1000),
        (
            fade("#ffffff", "#ffffff"),
            shape("circle", (90, 100, 430, 440), RED),
            shape("diamond", (540, 90, 900, 450), GREEN),
            shape("hexagon", (80, 560, 460, 890), BLUE),
            shape("triangle", (560, 550, 900, 880), ORANGE),
        ),
        (
            presence("Is there any word in one of the shapes?", "no"),
            colour("What colour is the triangle?", "orange"),
            colour("is the circle red", "yes"),
        ),
    ),
    Picture(
        "washing-line.jpg",
        (1600, 900),
        (
            grid((0, 0, 1600, 900), 12, 10, "#cfd9df", 3),
            line(((0, 170), (1600, 210)), "#555555", 5),
            shape("shirt", (160, 180, 560, 640), YELLOW),
            shape("shirt", (620, 190, 1020, 650), WHITE),
            shape("heart", (730, 340, 910, 510), RED),
            shape("shirt", (1080, 200, 1480, 660), BLACK),
        ),
        (
            presence("Is there a heart on one of the shirts?", "yes"),
            colour("Is the heart green?", "no"),
            no_sign("What is the text on the black shirt?"),
        ),
    ),
)  # fmt: skip
