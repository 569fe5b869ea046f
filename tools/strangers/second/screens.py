"""Pictures of screens, as a computer or a telephone stores them."""

from __future__ import annotations

from tools.strangers.asks import (
    Picture,
    colour,
    number,
    pointed,
    says,
)
from tools.strangers.drawing import (
    BLACK,
    WHITE,
    Part,
    column,
    fade,
    polygon,
    shape,
    sign,
    together,
    write,
)


def bubble(y: int, text: str, hour: str, left: int, right: int, fill: str) -> Part:
    """Draw a message with the time it was sent."""
    return together(
        shape("rounded", (left, y, right, y + 150), fill),
        write(text, (left + 40, y + 60), 50, "#141414", anchor="lm"),
        write(hour, (right - 30, y + 122), 28, "#787878", anchor="rm"),
    )


SCREENS = (
    Picture(
        "screen.png",
        (1920, 1080),
        (
            fade("#1e5082", "#5a286e"),
            shape("rectangle", (0, 1030, 1920, 1080), "#141419"),
            write("16:52", (1850, 1055), 26, WHITE),
            shape("rectangle", (560, 330, 1360, 720), "#f5f5f7"),
            shape("rectangle", (560, 370, 1360, 373), "#c8c8c8"),
            write("Storage", (600, 350), 24, "#5a5a5a", anchor="lm"),
            polygon(((640, 560), (700, 450), (760, 560)), "#f0b414"),
            write("!", (700, 525), 50, BLACK, weight=800),
            write("Disk almost full", (800, 470), 42, "#141414", "overpass", 700, "lm"),
            write("Only 12 GB left.", (800, 540), 34, "#3c3c3c", anchor="lm"),
            sign("rounded", (900, 630, 1100, 690), "#dcdce1", "Cancel", 30, BLACK, weight=400),
            sign("rounded", (1130, 630, 1330, 690), "#286ee6", "Clean up", 30, WHITE,
                 weight=400),
        ),
        (
            pointed("What does the error message say?", "Disk almost full",
                    "Disk almost full. Only 12 GB left", "Disk almost full Only 12 GB left"),
            number("how many GB are left", "12", "12 GB"),
            pointed("What is written on the blue button?", "Clean up"),
            number("What time is it on the computer?", "16:52"),
        ),
    ),
    Picture(
        "chat.png",
        (1080, 2160),
        (
            fade("#ece5dd", "#ece5dd"),
            shape("rectangle", (0, 0, 1080, 200), "#145f55"),
            shape("circle", (40, 70, 140, 170), "#c8a078"),
            write("Joachim", (170, 120), 56, WHITE, weight=700, anchor="lm"),
            bubble(300, "Where are you?", "18:21", 40, 480, WHITE),
            bubble(500, "Running late, sorry!", "18:22", 490, 1040, "#d7fac8"),
            bubble(700, "Bring the ladder", "18:24", 40, 480, WHITE),
            bubble(900, "ok see you at 6:40", "18:25", 530, 1040, "#d7fac8"),
        ),
        (
            pointed("who is this chat with?", "Joachim"),
            pointed("What should be brought?", "the ladder", "ladder", "Bring the ladder"),
            says('does anyone say "running late"?', "yes"),
            colour("What colour is the bar at the top?", "green", "dark green", "teal"),
        ),
    ),
    Picture(
        "departures.png",
        (1920, 1080),
        (
            fade("#0c0e14", "#0c0e14"),
            shape("rectangle", (0, 0, 1920, 150), "#f0be1e"),
            write("Departures", (80, 75), 83, "#0a0a0a", "overpass", 700, "lm"),
            write("10:58", (1840, 75), 74, "#0a0a0a", "overpass", 700, "rm"),
            *(column(texts, (x, 270), 190, 81, "#faf0c8", "source-code-pro")
              for x, texts in
              ((80, ("11:05", "11:20", "11:45")), (420, ("Zagreb", "Porto", "Tallinn")),
               (1000, ("B12", "A04", "C31")), (1330, ("boarding", "on time", "delayed")))),
            *(write(text, (x, 840), 81, ink, "source-code-pro", anchor="lm")
              for text, x, ink in
              (("12:10", 80, "#faf0c8"), ("Malmö", 420, "#faf0c8"),
               ("A17", 1000, "#faf0c8"), ("cancelled", 1330, "#ff5046"))),
        ),
        (
            number("Which gate does the flight to Tallinn leave from?", "C31"),
            number("when does the plane to Porto leave", "11:20"),
            pointed("What is the status of the flight to Malmö?", "cancelled", "canceled"),
            says("Is there a flight to Zagreb?", "yes"),
        ),
    ),
    Picture(
        "dashboard.png",
        (2560, 1440),
        (
            fade("#f5f6fa", "#f5f6fa"),
            shape("rectangle", (0, 0, 360, 1440), "#23283c"),
            *(write(name, (60, y), 44, ink, "overpass", 700, "lm") for name, y, ink in
              (("Home", 200, "#969baf"), ("Orders", 310, WHITE),
               ("Stock", 420, "#969baf"), ("Staff", 530, "#969baf"),
               ("Settings", 640, "#969baf"))),
            write("Orders this week", (440, 150), 66, "#1e1e28", "overpass", 700, "lm"),
            *(shape("rectangle", (x, 280, x + 600, 600), WHITE, "#d2d2dc", 3)
              for x in (440, 1120, 1800)),
            *(write(name, (x + 50, 360), 48, "#6e6e78", anchor="lm")
              for name, x in (("Open", 440), ("Shipped", 1120), ("Returned", 1800))),
            *(write(count, (x + 50, 490), 120, "#1e1e28", "overpass", 700, "lm")
              for count, x in (("128", 440), ("947", 1120), ("36", 1800))),
            *(shape("rectangle", (480 + 160 * day, 1320 - high, 590 + 160 * day, 1320),
                    "#4682e6")
              for day, high in enumerate((160, 290, 370, 330, 470, 460, 420, 440, 180, 250, 400,
                                          170))),
        ),
        (
            number("How many orders were returned?", "36"),
            pointed("What is the title of the page?", "Orders this week", "orders"),
            number("shipped orders?", "947"),
        ),
    ),
)  # fmt: skip
