"""Sheets, cards, covers and boards that people write on."""

from __future__ import annotations

from tools.strangers.asks import (
    Picture,
    lines,
    number,
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
    turned,
    write,
)
from tools.strangers.second.drawing import grey, leaning, noise, rough, wood

PAPERS = (
    Picture(
        "menu.jpg",
        (1200, 1700),
        (
            rough("#f5eedc", 6),
            leaning(write("Café Lumen", (600, 150), 124, "#5a281e", "spectral", 400)),
            line(((200, 250), (1000, 250)), "#5a281e", 4),
            column(("Espresso", "Flat white", "Hot chocolate", "Lemon cake", "Cheese toast",
                    "Walnut salad"), (180, 380), 170, 61, "#281e14", "libre-baskerville", 700),
            column(("2.40", "3.60", "4.20", "3.90", "6.50", "8.75"), (1020, 380), 170, 61,
                   "#281e14", "libre-baskerville", 700, "rm"),
            leaning(write("All prices in euros", (600, 1560), 42, "#786450", "spectral")),
        ),
        (
            number("How much is a flat white?", "3.60", "€3.60", "3.60 euros"),
            number("price of the lemon cake", "3.90", "€3.90", "3.90 euros"),
            pointed("What is the name of the café?", "Café Lumen", "Cafe Lumen", "Lumen"),
            says("Does the menu offer walnut salad?", "yes"),
        ),
    ),
    Picture(
        "ticket.png",
        (1500, 700),
        (
            fade("#3c3c41", "#3c3c41"),
            turned(
                3,
                shape("rectangle", (100, 90, 1400, 610), "#faf0d7"),
                shape("rectangle", (100, 90, 1400, 180), "#e66e1e"),
                write("RAIL TICKET", (140, 135), 52, WHITE, "overpass", 800, anchor="lm"),
                *(column((label,), (x, y), 0, 32, "#786450") for label, x, y in
                  (("From", 140, 240), ("To", 580, 240), ("Coach", 140, 410), ("Seat", 430, 410),
                   ("Date", 720, 410), ("Price", 1100, 410))),
                *(column((value,), (x, y), 0, 62, "#1e1e1e", "source-code-pro", 700)
                  for value, x, y in
                  (("Kelso", 140, 300), ("Brandhaven", 580, 300), ("C", 140, 470), ("41", 430, 470),
                   ("09 MAR", 720, 470), ("27.80", 1100, 470))),
            ),
        ),
        (
            number("which seat do i have", "41", "seat 41"),
            pointed("Where does the train go to?", "Brandhaven"),
            number("How much did the ticket cost?", "27.80"),
            pointed("What coach is it?", "C", "coach C"),
        ),
    ),
    Picture(
        "poster.png",
        (1000, 1500),
        (
            fade("#fac83c", "#dc3c50"),
            shape("circle", (300, 480, 700, 880), "#281e3c"),
            shape("circle", (380, 600, 440, 660), WHITE),
            shape("circle", (560, 600, 620, 660), WHITE),
            write("THE LOST", (500, 180), 140, "#281e3c", "lexend", 700),
            write("OTTERS", (500, 330), 170, "#281e3c", "lexend", 700),
            leaning(write("live at the Tivoli", (500, 1080), 84, WHITE, "spectral", 700)),
            write("12 JUNE", (500, 1230), 110, WHITE, weight=700),
            write("doors 8 pm", (500, 1380), 68, WHITE, "lexend", 300),
        ),
        (
            lines("Which band is playing?", "The Lost Otters", "Lost Otters"),
            number("On what date is the concert?", "12 June", "June 12"),
            number("when do the doors open?", "8 pm", "8"),
            says("Does the poster mention Glasgow?", "no"),
        ),
    ),
    Picture(
        "book.jpg",
        (1100, 1500),
        (
            wood("#5a4b3c"),
            turned(
                -7,
                shape("rectangle", (170, 180, 930, 1320), "#193c5a"),
                polygon(((170, 1320), (930, 1320), (930, 940), (570, 860), (170, 1000)),
                        "#dcd7c8"),
                write("The Salt\nRoad", (550, 455), 124, "#f0e6c8", "spectral", 700, gap=0.2),
                write("M. K. Albrecht", (550, 1240), 54, "#28283c", "spectral", 700),
            ),
        ),
        (
            lines("What is the title of the book?", "The Salt Road", "Salt Road"),
            pointed("who wrote it", "M. K. Albrecht", "Albrecht", "MK Albrecht", "M.K. Albrecht"),
            presence("Is there a book in the image?", "yes"),
        ),
    ),
    Picture(
        "map.png",
        (1600, 1200),
        (
            fade("#e8e2d0", "#e8e2d0"),
            shape("circle", (200, 250, 700, 620), "#96c3e1"),
            shape("rectangle", (1000, 650, 1400, 1000), "#b4d7a5"),
            *(line(way, WHITE, 44) for way in
              (((0, 750), (1600, 700)), ((820, 0), (900, 1200)), ((0, 150), (1600, 120)),
               ((820, 450), (1600, 430)))),
            leaning(write("Lake Orm", (450, 430), 60, "#285082", "spectral")),
            leaning(write("Abbey Park", (1200, 820), 54, "#286428", "spectral")),
            *(write(street, at, 36, "#505050") for street, at in
              (("Cooper Street", (400, 738)), ("Mill Lane", (1200, 440)),
               ("North Road", (400, 142)))),
            shape("circle", (1075, 255, 1105, 285), "#c81e1e"),
            write("Museum", (1125, 270), 38, "#961e1e", weight=700, anchor="lm"),
        ),
        (
            pointed("What is the lake called?", "Lake Orm", "Orm"),
            pointed("name of the park?", "Abbey Park"),
            says("Is there a street called Mill Lane on the map?", "yes"),
            pointed("What is next to the red dot?", "Museum", "the museum", "a museum"),
        ),
    ),
    Picture(
        "receipt.jpg",
        (1000, 1700),
        (
            wood("#463228"),
            turned(
                -3,
                shape("rectangle", (150, 100, 850, 1600), "#f5f5f2"),
                write("KROMER", (500, 210), 90, BLACK, "source-code-pro", 700),
                write("Hardware & Garden", (500, 290), 38, BLACK, "source-code-pro"),
                column(("Screws M6", "Hose 10m", "Gloves", "Tape"), (210, 430), 90, 42, "#1e1e1e",
                       "source-code-pro"),
                column(("4.10", "18.99", "7.45", "2.30"), (790, 430), 90, 42, "#1e1e1e",
                       "source-code-pro", anchor="rm"),
                line(((210, 800), (790, 800)), BLACK, 3),
                write("TOTAL", (210, 880), 62, BLACK, "source-code-pro", 700, "lm"),
                write("32.84", (790, 880), 62, BLACK, "source-code-pro", 700, "rm"),
                write("21/08/2025  17:03", (500, 1050), 36, BLACK, "source-code-pro"),
                write("Thank you", (500, 1200), 44, BLACK, "source-code-pro"),
            ),
            grey(),
        ),
        (
            number("What is the total?", "32.84"),
            number("how much did the gloves cost", "7.45"),
            pointed("Which store is this receipt from?", "KROMER", "Kromer Hardware & Garden"),
        ),
    ),
    Picture(
        "letter.png",
        (1240, 1754),
        (
            fade("#f8f8f8", "#f8f8f8"),
            turned(
                0.8,
                write("Northgate Water Ltd", (130, 180), 54, "#141414", "spectral", 700, "lm"),
                write("3 February 2024", (1110, 300), 33, "#141414", "spectral", anchor="rm"),
                write("Invoice 20731", (130, 430), 42, "#141414", "spectral", 700, "lm"),
                write("Dear Ms Okafor,", (130, 540), 35, "#141414", "spectral", anchor="lm"),
                column(("thank you for your payment. Please find below what",
                        "you have used in the last quarter. The amount will be",
                        "taken from your account on 15 February."), (130, 640), 60, 35, "#1e1e1e",
                       "spectral"),
                write("Amount due: £86.20", (130, 900), 42, "#141414", "spectral", 700, "lm"),
                write("Yours sincerely,", (130, 1050), 35, "#141414", "spectral", anchor="lm"),
                leaning(write("Harriet Moss", (130, 1180), 57, "#1e1e5a", "spectral",
                              anchor="lm")),
            ),
            noise(5),
            grey(),
        ),
        (
            number("What is the invoice number?", "20731", "Invoice 20731"),
            number("how much is due?", "£86.20", "86.20"),
            pointed("Who signed the letter?", "Harriet Moss"),
            pointed("To whom is the letter addressed?", "Ms Okafor", "Okafor", "Dear Ms Okafor"),
        ),
    ),
    Picture(
        "card.png",
        (1050, 600),
        (
            rough("#fafaf8", 2),
            shape("rectangle", (0, 0, 40, 600), "#008282"),
            write("Anneliese Kuhn", (110, 150), 70, "#141414", "overpass", 600, "lm"),
            leaning(write("Piano tuner", (110, 230), 43, "#008282", "overpass", 600, "lm")),
            write("0170 555 2284", (110, 420), 43, "#323232", "overpass", 600, "lm"),
            write("kuhn@tonart.example", (110, 490), 43, "#323232", "overpass", 600, "lm"),
        ),
        (
            pointed("What is her job?", "Piano tuner", "a piano tuner"),
            number("phone number?", "0170 555 2284", "01705552284"),
            pointed("Whose business card is this?", "Anneliese Kuhn"),
        ),
    ),
    Picture(
        "calendar.jpg",
        (800, 800),
        (
            fade("#b4aaa0", "#b4aaa0"),
            turned(
                -4,
                shape("rectangle", (120, 80, 680, 720), WHITE),
                shape("rectangle", (120, 80, 680, 240), "#c82828"),
                write("NOVEMBER", (400, 160), 84, WHITE, "lexend", 700),
                write("14", (400, 450), 280, "#1e1e1e", "lexend", 700),
                write("Friday", (400, 660), 64, "#5a5a5a", "lexend", 300),
            ),
        ),
        (
            pointed("which month is it?", "November"),
            number("What day of the month does the calendar show?", "14", "14th"),
            pointed("What is written at the bottom?", "Friday"),
        ),
    ),
)  # fmt: skip
