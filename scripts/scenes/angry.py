"""Six scenes in which somebody is angry."""

from __future__ import annotations

from dataclasses import replace

from scenes import faces, furniture, props, settings
from scenes import palette as p
from scenes.pen import HEIGHT, WIDTH, Pen, dark, light, ring, smooth
from scenes.people import Person, draw_person
from scenes.scene import Scene

COFFEE = "#7a4a2c"


def _broken_window(pen: Pen) -> None:
    settings.outdoors(pen, p.SKY, p.LIME, 236)
    settings.cloud(pen, 330, 56, 0.9)
    settings.tree(pen, 452, 244, 1.1)
    pen.box(0, 0, 196, 262, "#d58f74")
    for row in range(9):
        for column in range(4):
            left = column * 56 - 20 + 28 * (row % 2)
            pen.box(left, row * 30 + 6, min(left + 44, 196), row * 30 + 12, "#c67f66")
    pen.box(0, 250, 196, 266, p.STONE)
    settings.window(pen, 36, 48, 118, 118)
    pen.shape([(92, 62), (104, 90), (138, 84), (116, 108), (134, 146), (100, 126), (70, 152), (76, 114),
               (46, 98), (80, 92)], p.INK)  # fmt: skip
    for x, y in ((138, 56), (152, 122), (116, 164), (48, 160), (38, 84), (74, 50)):
        pen.line([(95, 106), (x, y)], 1.8, p.INK)
    boy = Person(replace(faces.GUILTY, look=(-7, 0)), p.COCOA, "curls", p.BLACK_HAIR, p.RED, p.NAVY, head=1.25,
                 bare_arms=True, arms=(((-54, -110), (-34, -76)), ((52, -118), (78, -146))),
                 legs=(((-26, -46), (-54, -34)), "stride"))  # fmt: skip
    draw_person(pen, boy, 352, 288, 0.6, 8)
    draw_person(pen, replace(boy, skin=p.PEACH, hair="spiky", shade=p.BLONDE, top=p.YELLOW), 434, 278, 0.58, 10)
    man = Person(replace(faces.SHOUTING, look=(5, 0)), p.PORCELAIN, "balding", p.SILVER, "#6f8f6d", p.BROWN,
                 worn=(("moustache", p.SILVER),), arms=("hips", "fist"))  # fmt: skip
    draw_person(pen, man, 234, 344, 1.14)
    props.ball(pen, 98, 318, 19)
    for x, y, turn in ((56, 296, 0), (140, 304, 50), (72, 338, 200), (150, 336, 110), (34, 326, 20)):
        pen.at(x, y, 1, turn).shape([(-9, 5), (8, 3), (1, -9)], "#e4f4f8")


def _splashed_coat(pen: Pen) -> None:
    pen.box(0, 0, WIDTH, HEIGHT, "#9fb0be")
    settings.houses(pen, 232, ("#8496a5", "#94838c", "#7d8f95", "#8d8a9c"), "#f3dfa2", 20)
    pen.box(0, 228, WIDTH, 246, "#aeb6bd")
    pen.box(0, 246, WIDTH, 322, "#5c6874")
    pen.box(0, 318, WIDTH, HEIGHT, "#c2c8cc")
    pen.box(0, 318, WIDTH, 324, "#8e979f")
    furniture.car(pen, 372, 304, p.RED, 1.14)
    mud, splash = "#8d7259", "#c9bba8"
    pen.oval(262, 306, 88, 11, mud)
    for tip_x, tip_y in ((150, 268), (156, 236), (172, 208), (196, 186), (226, 176), (258, 188)):
        bend_x, bend_y = tip_x * 0.4 + 276 * 0.6, tip_y * 0.66 + 306 * 0.34
        pen.shape(smooth([(228, 308), (bend_x - 12, bend_y + 2), (tip_x, tip_y), (bend_x + 10, bend_y + 12),
                          (292, 308)]), splash)  # fmt: skip
        pen.oval(tip_x - 6, tip_y - 6, 5, 5, splash)
    for x, y, r in ((176, 200, 5), (204, 164, 5), (236, 156, 5), (140, 250, 5), (172, 176, 4), (264, 168, 4)):
        pen.oval(x, y, r, r, mud)
    woman = Person(replace(faces.FURIOUS, look=(6, 0)), p.TAN, "bob", p.BLACK_HAIR, p.CREAM, p.SLATE, coat=True,
                   arms=(((-64, -124), (-62, -168)), ((60, -120), (70, -96))))  # fmt: skip
    draw_person(pen, woman, 104, 350, 1.2)
    for x, y, r in ((118, 238, 13), (134, 262, 10), (104, 266, 9), (122, 284, 11), (138, 222, 7), (80, 242, 6),
                    (112, 220, 6), (84, 284, 7)):  # fmt: skip
        pen.oval(x, y, r, r * 0.85, mud)
    pen.line([(118, 240), (116, 262)], 6, mud)
    settings.rain(pen, 8)


def _spilt_coffee(pen: Pen) -> None:
    settings.room(pen, "#b9d2d3", "#9c9a94", 330)
    settings.window(pen, 180, 26, 120, 84)
    for x, y, colour in ((40, 40, p.YELLOW), (74, 46, p.PINK), (48, 76, p.SKY)):
        pen.box(x, y, x + 26, y + 26, colour)
    colleague = Person(replace(faces.GUILTY, look=(-6, 4)), p.PEACH, "ponytail", p.GINGER, p.TEAL,
                       arms=(((-58, -116), (-80, -130)), ((52, -124), (34, -160))))  # fmt: skip
    man = Person(replace(faces.FURIOUS, look=(6, 4)), p.PORCELAIN, "short", p.DARK_HAIR, "#f4f4f7", p.NAVY,
                 arms=("fist", ((58, -122), (50, -170))), worn=(("glasses", p.INK),))  # fmt: skip
    draw_person(pen, colleague, 392, 372, 1.12)
    draw_person(pen, man, 118, 372, 1.16)
    pen.shape([(110, 196), (126, 196), (124, 250), (118, 258), (112, 250)], p.BLUE)
    furniture.table(pen, -10, 490, 278, "#c99c6e")
    pen.box(-10, 262, 490, 282, "#dcb384")
    pen.box(194, 168, 300, 246, p.SLATE, 6)
    pen.box(200, 174, 294, 240, "#bcd8e8")
    pen.line([(212, 190), (266, 190)], 4, p.WHITE)
    pen.line([(212, 204), (280, 204)], 4, p.WHITE)
    pen.shape([(190, 268), (304, 268), (298, 246), (196, 246)], p.GREY)
    for x, y, r in ((278, 222, 7), (262, 230, 5), (284, 206, 4), (248, 222, 3)):
        pen.oval(x, y, r, r, COFFEE)
    for y in (251, 257, 263):
        pen.line([(204, y), (290, y)], 3, p.SLATE)
    props.paper(pen, 58, 262, 0.9, 78, COFFEE)
    pen.blob([(212, 250), (252, 244), (290, 252), (330, 264), (326, 276), (150, 278), (96, 272), (180, 262)], COFFEE)
    for x, low in ((170, 306), (206, 326), (270, 312)):
        pen.line([(x, 272), (x, low)], 9, COFFEE)
    pen.curve([(288, 232), (276, 238), (268, 252)], 7, COFFEE)
    props.mug(pen, 302, 222, p.RED, -105)


def _parking_fine(pen: Pen) -> None:
    pen.box(0, 0, WIDTH, HEIGHT, p.SKY)
    settings.houses(pen, 236, ("#e9c7a2", "#d9a38c", "#bcd0b4", "#e6d5a8", "#c9b7d2"), "#f6fbfd", 30)
    pen.box(0, 230, WIDTH, 300, p.STONE)
    settings.road(pen, 292, "#7d8792")
    pen.line([(46, 296), (46, 96)], 6, p.SLATE)
    pen.oval(46, 86, 33, 33, p.WHITE)
    pen.oval(46, 86, 30, 30, p.RED)
    pen.oval(46, 86, 22, 22, p.BLUE)
    pen.line([(30, 70), (62, 102)], 8, p.RED)
    man = Person(replace(faces.SHOUTING, look=(6, 1)), p.COCOA, "short", p.BLACK_HAIR, p.ORANGE,
                 worn=(("beard", p.BLACK_HAIR),),
                 arms=(((-62, -140), (-84, -172)), ((62, -128), (92, -146))))  # fmt: skip
    draw_person(pen, man, 232, 306, 1.08)
    furniture.car(pen, 150, 338, p.TEAL, 1.22)
    ticket = pen.at(219, 262, 1, 14)
    ticket.box(-15, -15, 15, 11, p.WHITE, 2)
    ticket.box(-15, -15, 15, -7, p.RED)
    for y in (-3, 3):
        ticket.line([(-10, y), (10, y)], 1.6, p.SLATE)
    pen.line([(192, 270), (232, 252)], 3, p.INK)
    warden = Person(replace(faces.Face(mouth="flat"), look=(-4, 5)), p.PORCELAIN, "bob", p.BLONDE, p.NAVY, p.INK,
                    worn=(("peaked cap", p.NAVY),),
                    arms=(((-50, -106), (-16, -112)), ((50, -106), (22, -120))))  # fmt: skip
    draw_person(pen, warden, 400, 338, 1.06)
    pen.at(386, 210, 1, -8).box(-17, -15, 17, 15, p.YELLOW, 2)
    pen.at(386, 210, 1, -8).box(-13, -11, 13, 12, p.WHITE, 1)
    pen.line([(420, 206), (396, 212)], 4, p.INK)


def _torn_drawing(pen: Pen) -> None:
    settings.room(pen, "#f3e3bf", "#c9a57c", 296)
    furniture.board(pen, 130, 30, 350, 130)
    for x in (150, 190, 230):
        pen.line([(x, 54), (x + 24, 54)], 3, "#d9e6df")
        pen.line([(x, 76), (x + 18, 76)], 3, "#d9e6df")
    laughing = Person(replace(faces.MOCKING, look=(7, 0)), p.PORCELAIN, "spiky", p.GINGER, p.LEAF, head=1.2,
                      arms=("down", ((58, -158), (74, -206))))  # fmt: skip
    draw_person(pen, laughing, 68, 338, 0.94)
    _half_drawing(pen.at(140, 128, 1.25, 6), left=True)
    pen.oval(136, 148, 9, 9, p.PORCELAIN)
    girl = Person(replace(faces.MOCKING, look=(-7, 0)), p.UMBER, "bunches", p.BLACK_HAIR, p.YELLOW, head=1.2,
                  dress=True, arms=(((-60, -122), (-86, -140)), ((50, -128), (22, -152))))  # fmt: skip
    draw_person(pen, girl, 414, 338, 0.92)
    pen.line([(332, 209), (314, 207)], 6, p.UMBER)
    boy = Person(faces.FURIOUS, p.PEACH, "short", p.BLACK_HAIR, p.RED, p.NAVY, head=1.15,
                 arms=(((-58, -120), (-54, -78)), ((58, -120), (54, -78))))  # fmt: skip
    draw_person(pen, boy, 240, 352, 1.1)
    _half_drawing(pen.at(302, 322, 1.1, 24), left=False)


def _half_drawing(pen: Pen, *, left: bool) -> None:
    tear = [(0.0, -26.0), (5, -16), (-4, -6), (5, 4), (-3, 14), (3, 24)]
    edge = -34 if left else 34
    pen.shape([(edge, -26), *tear, (edge, 24)], p.WHITE)
    if left:
        pen.oval(-22, -14, 7, 7, p.ORANGE)
        pen.shape([(-26, 16), (-26, 2), (-4, 2), (-4, 16)], p.RED)
        pen.shape([(-30, 3), (-15, -10), (-2, 3)], p.PURPLE)
    else:
        pen.line([(18, 16), (18, 0)], 4, p.BROWN)
        pen.oval(18, -5, 10, 10, p.GREEN)


def _noisy_night(pen: Pen) -> None:
    room = "#414a7d"
    settings.room(pen, room, "#343a63", 300)
    settings.window(pen, 24, 34, 84, 84, p.NIGHT)
    settings.moon(pen, 48, 58, p.NIGHT, 13)
    props.clock(pen, 160, 56, 3, 0)
    _party_next_door(pen)
    woman = Person(replace(faces.FURIOUS, look=(5, 0)), p.PORCELAIN, "bob", p.GINGER, "#a9b9e6",
                   arms=("ears", "ears"))  # fmt: skip
    furniture.bed(pen, 20, 318, 262, 372, "#7d86c4")
    draw_person(pen, woman, 136, 404, 1.2)
    pen.box(70, 294, 318, 356, "#7d86c4", 14)
    pen.box(70, 294, 318, 312, "#c3c9ec", 9)
    for x, y, size in ((300, 92, 1.0), (248, 136, 1.1), (296, 196, 0.9), (232, 66, 0.8), (226, 226, 0.8)):
        props.note(pen, x - 14, y, size, p.YELLOW)


def _party_next_door(pen: Pen) -> None:
    pen.box(338, 0, 480, 320, "#f6c76c")
    pen.box(338, 296, 480, 360, "#c98d4d")
    for i, x in enumerate(range(344, 480, 24)):
        pen.shape([(x, 10), (x + 22, 10), (x + 11, 32)], (p.RED, p.TEAL, p.PURPLE)[i % 3])
    dancer = Person(faces.GLAD, p.UMBER, "curls", p.BLACK_HAIR, p.PURPLE, arms=("up", "up"), head=1.1)
    draw_person(pen, dancer, 446, 330, 0.72, 6)
    pen.box(350, 218, 402, 330, p.INK, 5)
    for y, r in ((246, 14), (294, 21)):
        pen.oval(376, y, r, r, p.SLATE)
        pen.oval(376, y, r * 0.45, r * 0.45, p.STONE)
    pen.box(326, 0, 342, 360, dark("#8d6a54"))
    for reach in (24, 36, 48):
        pen.line(ring(376, 270, reach + 14, reach + 14, 150, 210), 3, light(p.YELLOW, 0.2))


SCENES = (
    Scene("broken-window", "angry", "Why might the old man with the moustache be feeling angry?",
          ("Smashed window of the house", "Football lying on the grass", "Boys running away", "Raised fist",
           "Splinters of glass on the ground"), _broken_window),
    Scene("splashed-coat", "angry", "Why might the woman in the pale coat be feeling angry?",
          ("Car driving through a puddle", "Muddy stains on her coat", "Pouring rain", "Clenched teeth"),
          _splashed_coat),
    Scene("spilt-coffee", "angry", "Why might the man with the blue tie be feeling angry?",
          ("Coffee spilt over the laptop", "Colleague holding a tipped mug", "Stained paper on the desk",
           "Clenched fists", "Lowered brows"), _spilt_coffee),
    Scene("parking-fine", "angry", "Why might the bearded man beside the car be feeling angry?",
          ("Parking ticket under the wiper", "Warden writing in a notebook", "No-parking sign by the road",
           "Shouting with arms spread"), _parking_fine),
    Scene("torn-drawing", "angry", "Why might the boy in the red jumper be feeling angry?",
          ("His drawing torn in half", "Classmates laughing at him", "Girl pointing at him", "Clenched teeth",
           "Lowered brows"), _torn_drawing),
    Scene("noisy-neighbours", "angry", "Why might the woman in bed be feeling angry?",
          ("Loud party next door", "Clock showing three at night", "Hands pressed over her ears",
           "Music coming through the wall"), _noisy_night),
)  # fmt: skip
