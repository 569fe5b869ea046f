"""Sheets, cards, covers and cloth with writing on them."""

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
    PURPLE,
    RED,
    WHITE,
    YELLOW,
    column,
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

PAPERS = (
    Picture(
        "word-on-a-sheet.png",
        (1200, 850),
        (
            fade("#ffffff", "#f2f2ee"),
            write("GIRAFFE", (600, 410), 210, "#181818", "kalam"),
        ),
        (
            one_line("What word is on the sheet?", "GIRAFFE"),
        ),
    ),
    Picture(
        "vocabulary.jpg",
        (900, 1200),
        (
            fade("#8a6844", "#6d4f31"),
            turned(
                4,
                shadowed(
                    shape("rectangle", (110, 120, 790, 1080), "#fdfcf6"),
                    *(line(((110, y), (790, y)), "#c8d6ea", 3) for y in range(300, 1070, 90)),
                    write("RHYTHM", (450, 540), 130, "#1c3fae", "kalam", 700),
                ),
            ),
            grain(0.05),
        ),
        (
            one_line("Which word did I write on the lined paper?", "RHYTHM"),
            colour("what colour is the ink", "blue"),
            says("Does the paper say RHYME?", "no"),
        ),
    ),
    Picture(
        "birthday-card.jpg",
        (800, 1100),
        (
            fade("#fdeef4", "#f7c9dc"),
            shape("rounded", (50, 50, 750, 1050), "#fffafc", "#d94f86", 8),
            *(shape("balloon", (x, y, x + 120, y + 150), ink) for x, y, ink in
              ((130, 130, YELLOW), (340, 100, BLUE), (550, 140, GREEN))),
            write("HAPPY\nBIRTHDAY", (400, 480), 110, "#c22a6b", "titan-one"),
            write("dear Grandma", (400, 700), 74, "#5b2a86", "kalam"),
            shape("heart", (310, 810, 490, 970), RED),
        ),
        (
            lines("Can you read the card to me?",
                  "HAPPY BIRTHDAY dear Grandma", "HAPPY BIRTHDAY, dear Grandma"),
            presence("Is there a heart on the card?", "yes"),
        ),
    ),
    Picture(
        "book-cover.jpg",
        (700, 1050),
        (
            fade("#10254f", "#274b7a"),
            shape("circle", (220, 90, 480, 350), "#f3e7b0"),
            polygon(((0, 800), (170, 620), (330, 760), (520, 590), (700, 770), (700, 1050),
                     (0, 1050)), "#0a1530"),
            write("The Silent\nOrchard", (350, 475), 98, "#ffffff", "libre-baskerville", 700),
            write("M. Halloran", (350, 970), 46, "#f3e7b0", "spectral"),
        ),
        (
            lines("What's the title of this book?", "The Silent Orchard"),
            pointed("Who wrote it, going by the name at the bottom?", "M. Halloran", "Halloran"),
        ),
    ),
    Picture(
        "t-shirt.png",
        (1000, 1000),
        (
            fade("#e9e4da", "#d8d1c4"),
            shadowed(shape("shirt", (60, 80, 940, 940), GREEN), by=(12, 14), blur=12),
            write("CAPTAIN", (500, 420), 104, WHITE, "viga"),
        ),
        (
            one_line("whats written on the tshirt", "CAPTAIN"),
            colour("Is the writing on the shirt white?", "yes"),
            says("Does the shirt say CAPTAIN?", "yes"),
        ),
    ),
    Picture(
        "sticky-notes.jpg",
        (1500, 1000),
        (
            fade("#cfd3d6", "#b5babe"),
            turned(3, shadowed(sign("rectangle", (100, 260, 500, 660), YELLOW,
                                    "call\nNadia", 100, face="kalam", weight=400))),
            turned(-4, shadowed(sign("rectangle", (560, 310, 960, 710), "#53bd6b",
                                     "buy\nflour", 100, face="kalam", weight=400))),
            turned(2, shadowed(sign("rectangle", (1010, 240, 1410, 640), "#5e9bec",
                                    "feed\nparrot", 100, face="kalam", weight=400))),
        ),
        (
            pointed("What's on the green note?", "buy flour"),
            pointed("read the blue one please", "feed parrot"),
            no_sign("What does the purple note say?"),
            colour("Which colour is the note about Nadia?", "yellow"),
        ),
    ),
    Picture(
        "name-badge.png",
        (560, 380),
        (
            fade("#31506b", "#25405a"),
            shape("rounded", (30, 30, 530, 350), WHITE),
            shape("rectangle", (30, 60, 530, 150), RED),
            write("my name is", (280, 105), 48, WHITE, "dm-sans", 600),
            write("Tobias", (280, 250), 110, "#1b1b1b", "kalam", 700),
        ),
        (
            pointed("What's the name in the big handwriting?", "Tobias"),
            says("is his name Thomas, does it say that", "no"),
        ),
    ),
    Picture(
        "calendar.png",
        (500, 560),
        (
            fade("#dfe8ee", "#c7d5de"),
            shadowed(shape("rounded", (50, 50, 450, 510), WHITE)),
            shape("rectangle", (50, 90, 450, 190), RED),
            write("AUGUST", (250, 140), 70, WHITE, "overpass", 700),
            write("17", (250, 350), 230, "#222222", "overpass", 700),
        ),
        (
            lines("Which date does the calendar show?", "AUGUST 17", "17 AUGUST", "August 17th",
                  "17th August"),
        ),
    ),
    Picture(
        "envelope.jpg",
        (1600, 1050),
        (
            fade("#5d4a3a", "#463628"),
            shadowed(shape("rectangle", (90, 120, 1510, 930), "#f5f0e4"), by=(14, 16)),
            shape("rectangle", (1320, 165, 1460, 335), PURPLE),
            column(("Clara Whitlock", "8 Willow Croft", "Thornbury"), (640, 520), 105, 84,
                   "#23305c", "kalam"),
        ),
        (
            lines("What's the address on the envelope?",
                  "Clara Whitlock 8 Willow Croft Thornbury",
                  "Clara Whitlock, 8 Willow Croft, Thornbury", "8 Willow Croft Thornbury",
                  "8 Willow Croft, Thornbury"),
            colour("What colour's the stamp?", "purple"),
        ),
    ),
    Picture(
        "lost-parrot.jpg",
        (850, 1200),
        (
            grid((0, 0, 850, 1200), 6, 18, "#a65a41", 8, shifted=True),
            turned(-2, shadowed(
                shape("rectangle", (90, 90, 760, 1110), "#fffef9"),
                write("LOST\nPARROT", (425, 290), 150, RED, "archivo-narrow", 700, gap=0.1),
                shape("rectangle", (215, 490, 635, 850), "#cfe6c8"),
                shape("crown", (330, 550, 520, 790), GREEN),
                write("555 0148", (425, 980), 110, "#1b1b1b", "lexend"),
            )),
        ),
        (
            number("Which phone number should I call?", "555 0148", "5550148", "555-0148"),
            lines("What's in red on the poster?", "LOST PARROT"),
            says("Does the poster say LOST?", "yes"),
            presence("Is there any text in the picture?", "yes"),
        ),
    ),
    Picture(
        "exercise-book.png",
        (420, 560),
        (
            fade("#d9dee2", "#c8ced3"),
            shadowed(shape("rounded", (50, 40, 370, 520), ORANGE)),
            sign("rectangle", (90, 120, 330, 260), WHITE, "Maths\nMira B.", 44, "#222222",
                 "kalam", 400, gap=0.2),
        ),
        (
            lines("what does the label on the book say?", "Maths Mira B."),
            colour("Is the book purple?", "no"),
        ),
    ),
    Picture(
        "faint-pencil.png",
        (800, 500),
        (
            fade("#f4f1ea", "#ece8df"),
            turned(2, write("pumpkin", (400, 250), 140, "#a9a6a0", "kalam")),
        ),
        (
            one_line("I wrote something very faintly, what is it?", "pumpkin"),
            says("Does it say pumpkin?", "yes"),
            presence("Is there a star next to the word?", "no"),
        ),
    ),
    Picture(
        "rainbow-words.png",
        (1100, 700),
        (
            fade("#ffffff", "#ffffff"),
            write("banana", (300, 150), 120, "#e2b400", "titan-one"),
            write("radish", (780, 340), 120, RED, "titan-one"),
            write("spinach", (330, 550), 120, GREEN, "titan-one"),
        ),
        (
            pointed("Which word is red?", "radish"),
            pointed("What does the green word say?", "spinach"),
            pointed("what's the word at the top", "banana"),
            no_sign("What does the blue word say?"),
        ),
    ),
    Picture(
        "flash-card.png",
        (300, 300),
        (
            fade("#ffffff", "#ffffff"),
            shape("rounded", (10, 10, 290, 290), "#ffffff", BLACK, 5),
            write("7 x 8", (150, 150), 84, BLACK, "lexend"),
        ),
        (
            one_line("What's on the card?", "7 x 8", "7x8", "7 × 8"),
            no_sign("What is on the yellow sign?"),
        ),
    ),
)  # fmt: skip
