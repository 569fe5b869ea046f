"""Doors, displays and signs in buildings."""

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
    fade,
    line,
    polygon,
    shape,
    sign,
    soft,
    tint,
    write,
)
from tools.strangers.second.drawing import noise, outline, rough, wood

INDOORS = (
    Picture(
        "door.jpg",
        (900, 1200),
        (
            wood("#6e462d"),
            outline("rectangle", (60, 60, 840, 560), "#462819", 10),
            outline("rectangle", (60, 660, 840, 1180), "#462819", 10),
            shape("rectangle", (230, 250, 670, 440), "#cdaf5a"),
            write("Dr. Ilse Vantongeren", (450, 310), 39, "#32230a", "spectral", 700),
            write("Room 217", (450, 385), 42, "#32230a", "spectral"),
            shape("circle", (760, 590, 820, 650), "#c8b46e"),
        ),
        (
            pointed("Could you please tell me the name on the door plate?", "Dr. Ilse Vantongeren",
                    "Ilse Vantongeren", "Dr Ilse Vantongeren"),
            number("room number?", "217", "Room 217"),
            says("Is the name Dr. Weaver on this door?", "no"),
        ),
    ),
    Picture(
        "toilets.jpg",
        (900, 1300),
        (
            wood("#c8beaa"),
            sign("rectangle", (250, 300, 650, 620), "#323278", "TOILETS", 84, WHITE, weight=700),
            *(line(((700, 1300), end), "#286e32", 34) for end in
              ((371, 1033), (441, 776), (565, 581), (696, 520), (825, 547), (945, 726),
               (1020, 998))),
        ),
        (
            one_line("what does the sign read?", "TOILETS"),
            colour("What colour is the background of the sign?", "blue", "dark blue", "navy",
                   "purple"),
            presence("Is there a dog in front of the door?", "no"),
        ),
    ),
    Picture(
        "wetfloor.jpg",
        (1200, 1600),
        (
            fade("#aaafb4", "#787d82"),
            *(line(((0, y), (1200, y)), "#64696e", 5) for y in range(700, 1600, 180)),
            polygon(((420, 400), (780, 400), (960, 1350), (240, 1350)), "#f5cd14"),
            write("CAUTION", (600, 520), 92, BLACK, "archivo-narrow", 700),
            polygon(((600, 600), (720, 800), (480, 800)), "#141414"),
            write("!", (600, 745), 130, "#f5cd14", weight=700),
            write("WET", (600, 960), 160, BLACK, weight=700),
            write("FLOOR", (600, 1130), 160, BLACK, weight=700),
        ),
        (
            lines("What is the warning about?", "wet floor", "caution wet floor"),
            pointed("What is written at the top of the sign?", "CAUTION"),
            colour("what color is the sign", "yellow"),
            says("Does it say caution?", "yes"),
        ),
    ),
    Picture(
        "exit.jpg",
        (1500, 1000),
        (
            rough("#78787d", 6),
            tint("#000000bf"),
            shape("rectangle", (600, 250, 900, 370), "#00823c"),
            write("EXIT", (700, 310), 76, "#e6fff0", weight=700),
            polygon(((880, 310), (840, 270), (840, 350)), "#e6fff0"),
            shape("rectangle", (803, 300, 845, 320), "#e6fff0"),
            shape("rectangle", (650, 450, 860, 1000), "#161618"),
            noise(6),
        ),
        (
            one_line("What does the lit sign say?", "EXIT"),
            colour("which color is the sign?", "green"),
            presence("is there an arrow on the sign?", "yes"),
        ),
    ),
    Picture(
        "lift.png",
        (600, 1000),
        (
            fade("#bebec3", "#8c8c91"),
            sign("rectangle", (180, 60, 420, 200), "#0a0a0a", "4", 130, "#ff7814",
                 "source-code-pro", 400),
            *(sign("circle", (x - 70, y - 70, x + 70, y + 70), ink, floor, 70, BLACK, weight=400,
                   edge="#5a5a5a", width=6)
              for floor, x, y, ink in
              (("1", 200, 330, "#ebebeb"), ("2", 400, 330, "#ebebeb"), ("3", 200, 530, "#ebebeb"),
               ("4", 400, 530, "#ebebeb"), ("5", 200, 730, "#ebebeb"), ("6", 400, 730, "#ffd76e"))),
        ),
        (
            number("Which floor does the display at the top show?", "4", "floor 4", "four"),
            number("How many round buttons are there?", "6", "six"),
            nothing("What is the name of the building?"),
        ),
    ),
    Picture(
        "clock.jpg",
        (600, 400),
        (
            fade("#28231e", "#28231e"),
            sign("rounded", (60, 80, 540, 320), "#141414", "07:45", 154, "#ff281e",
                 "source-code-pro", 400),
            soft(1.2),
        ),
        (
            number("What time is it?", "07:45", "7:45"),
            colour("colour of the digits", "red"),
            says("Does it show 09:15?", "no"),
        ),
    ),
    Picture(
        "thermostat.png",
        (500, 500),
        (
            fade("#e1e1dc", "#e1e1dc"),
            shape("circle", (50, 50, 450, 450), WHITE, "#787878", 8),
            write("21.5°", (250, 220), 110, "#282828", weight=700),
            write("HEATING", (250, 330), 34, "#dc6e1e", weight=700),
        ),
        (
            number("What temperature does it show?", "21.5", "21.5°", "21.5 °", "21.5°C"),
            pointed("what mode is it in", "heating"),
        ),
    ),
    Picture(
        "score.jpg",
        (1600, 900),
        (
            fade("#192d1e", "#192d1e"),
            write("HOME", (430, 180), 130, WHITE, "archivo-narrow", 700),
            write("AWAY", (1170, 180), 130, WHITE, "archivo-narrow", 700),
            sign("rectangle", (270, 300, 590, 660), "#050505", "3", 270, "#ffc828",
                 "libre-baskerville", 700),
            sign("rectangle", (1010, 300, 1330, 660), "#050505", "1", 270, "#ffc828",
                 "libre-baskerville", 700),
            write("72'", (800, 790), 108, "#ff5a3c", "libre-baskerville", 700),
            noise(10),
        ),
        (
            number("How many goals has the home team?", "3", "three"),
            pointed("What is written on the right, above the number?", "AWAY"),
            number("away score?", "1", "one"),
        ),
    ),
)  # fmt: skip
