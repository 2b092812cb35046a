"""Six scenes in which somebody is happy."""

from __future__ import annotations

from dataclasses import replace

from scenes import faces, furniture, props, settings
from scenes import palette as p
from scenes.pen import Pen, dark
from scenes.people import Person, draw_person
from scenes.scene import Scene


def _birthday(pen: Pen) -> None:
    settings.room(pen, "#f9e4c3", "#d9b48c", 330)
    settings.window(pen, 192, 34, 96, 84, sunny=True)
    for x, y, colour in ((34, 52, p.RED), (74, 38, p.TEAL), (404, 40, p.PURPLE), (446, 54, p.YELLOW)):
        props.balloon(pen, x, y, colour, (x + (14 if x < 240 else -14), 150))
    mother = Person(replace(faces.BEAMING, look=(6, 3)), p.UMBER, "long", p.BLACK_HAIR, p.TEAL, dress=True,
                    arms=("down", "chest"))  # fmt: skip
    father = Person(replace(faces.BEAMING, look=(-6, 3)), p.COCOA, "short", p.BLACK_HAIR, p.ORANGE,
                    worn=(("glasses", p.INK),), arms=("chest", "down"))  # fmt: skip
    girl = Person(faces.GLAD, p.UMBER, "bunches", p.BLACK_HAIR, p.CORAL, arms=("up", "up"), bare_arms=True,
                  worn=(("party hat", p.PURPLE),), head=1.2)  # fmt: skip
    draw_person(pen, mother, 88, 372, 1.05)
    draw_person(pen, father, 394, 372, 1.08)
    draw_person(pen, girl, 220, 382, 0.9)
    furniture.table(pen, 20, 460, 296)
    props.cake(pen, 322, 297)
    props.gift(pen, 62, 296, 56, 40, p.TEAL, p.YELLOW)
    props.gift(pen, 126, 296, 46, 58, p.PURPLE, p.WHITE)
    props.gift(pen, 426, 296, 50, 34, p.RED, p.WHITE)


def _park_bench(pen: Pen) -> None:
    settings.outdoors(pen, p.SKY, p.LIME, 214)
    settings.sun(pen, 416, 56)
    settings.cloud(pen, 110, 62)
    settings.tree(pen, 36, 232, 1.25)
    settings.tree(pen, 448, 226, 0.8, p.GREEN)
    pen.blob([(0, 330), (240, 300), (480, 316), (500, 380), (-20, 380)], p.SAND)
    furniture.bench(pen, 196, 316, 220)
    grandfather = Person(replace(faces.BEAMING, look=(6, 3)), p.PEACH, "balding", p.SILVER, p.LEAF, p.BROWN,
                         legs=("sit", "sit"), drop=30, worn=(("moustache", p.SILVER), ("glasses", p.INK)),
                         arms=("lap", ((54, -112), (80, -118))))  # fmt: skip
    child = Person(replace(faces.BEAMING, look=(-8, -2)), p.PORCELAIN, "ponytail", p.GINGER, p.YELLOW, dress=True,
                   shoes=p.RED, arms=(((-58, -132), (-84, -146)), "down"), head=1.25)  # fmt: skip
    draw_person(pen, grandfather, 186, 322, 1.1)
    draw_person(pen, child, 366, 330, 0.76)
    props.flowers(pen, 292, 216, 1.15, (p.RED, p.PINK, p.PURPLE))
    props.dog(pen, 90, 340, 0.95)


def _snowman(pen: Pen) -> None:
    settings.outdoors(pen, "#a9cfe6", p.WHITE, 200)
    pen.blob([(-20, 230), (80, 176), (220, 214), (360, 172), (500, 220), (500, 300), (-20, 300)], "#e6f0f6")
    pen.box(0, 270, 480, 360, "#f6fafc")
    for x, y, size in ((30, 236, 1.1), (88, 218, 0.8), (446, 230, 1.1)):
        settings.fir(pen, x, y, size)
        pen.shape([(x - 22 * size, y - 104 * size), (x, y - 134 * size), (x + 22 * size, y - 104 * size)], p.WHITE)
    props.snowman(pen, 322, 334, 1.1)
    friend = Person(faces.BEAMING, p.UMBER, "long", p.BLACK_HAIR, p.PURPLE, coat=True, scarf=p.YELLOW, head=1.25,
                    arms=("wave", "down"), worn=(("beanie", p.TEAL),))  # fmt: skip
    boy = Person(faces.GLAD, p.PEACH, "short", p.CHESTNUT, p.ORANGE, coat=True, scarf=p.BLUE, head=1.2,
                 arms=("up", ((58, -134), (84, -148))), worn=(("beanie", p.RED),))  # fmt: skip
    draw_person(pen, friend, 426, 306, 0.6)
    draw_person(pen, boy, 166, 340, 1.02)
    settings.snowfall(pen, 3)


def _fresh_bread(pen: Pen) -> None:
    settings.room(pen, "#dfe9dd", "#c99f73", 322)
    pen.box(0, 210, 480, 330, "#7fa69a")
    for x in (8, 128, 248, 368):
        pen.box(x, 222, x + 104, 322, "#91b7aa", 4)
    pen.box(0, 200, 480, 214, p.CREAM)
    settings.window(pen, 250, 28, 112, 92, sunny=True)
    pen.box(24, 84, 132, 92, p.WOOD)
    for x, colour in ((38, p.RED), (66, p.YELLOW), (94, p.TEAL)):
        pen.box(x, 58, x + 20, 84, colour, 5)
    baker = Person(replace(faces.BEAMING, look=(0, 4)), p.TAN, "curls", p.BLACK_HAIR, p.BLUE, apron=p.WHITE,
                   worn=(("beard", p.BLACK_HAIR),),
                   arms=(((-50, -108), (-44, -90)), ((50, -108), (44, -90))))  # fmt: skip
    child = Person(replace(faces.GLAD, look=(-7, -3)), p.TAN, "bob", p.BLACK_HAIR, p.CORAL, bare_arms=True,
                   head=1.25, arms=(((-54, -106), (-9, -122)), ((54, -106), (9, -122))))  # fmt: skip
    draw_person(pen, baker, 206, 380, 1.2)
    draw_person(pen, child, 384, 360, 0.82)
    for x, lean in ((366, -7), (384, 0), (402, 7)):
        pen.line([(x, 242), (x + lean, 233)], 3, p.WHITE)
    pen.box(136, 270, 276, 282, p.SLATE, 4)
    pen.blob([(146, 270), (150, 242), (206, 230), (262, 242), (266, 270)], "#c98642")
    for x in (176, 206, 236):
        pen.line([(x - 9, 256), (x + 5, 240)], 5, "#eec283")
    for x in (150, 172, 240, 262):
        pen.curve([(x, 226), (x - 7, 214), (x + 5, 202), (x - 3, 188)], 4.5, "#fffdf8d0")
    pen.box(0, 326, 480, 360, "#c09a73")
    pen.box(0, 326, 480, 340, "#d9b48c")


def _newborn(pen: Pen) -> None:
    settings.room(pen, "#d5e8ea", "#b9c6cc", 300)
    settings.window(pen, 40, 40, 104, 92, sunny=True)
    for i in range(3):
        pen.box(318 + i * 54, 0, 366 + i * 54, 190, ("#a9d3cf", "#98c7c3")[i % 2], 0)
    pen.box(306, 0, 480, 7, p.SLATE)
    partner = Person(replace(faces.BEAMING, look=(-7, 6)), p.COCOA, "short", p.BLACK_HAIR, p.YELLOW,
                     arms=(((-60, -116), (-74, -128)), "down"), worn=(("beard", p.BLACK_HAIR),))  # fmt: skip
    draw_person(pen, partner, 344, 372, 1.14, -4)
    pen.box(132, 150, 306, 320, p.WHITE, 26)
    mother = Person(replace(faces.TENDER, look=(3, 6)), p.UMBER, "long", p.BLACK_HAIR, "#9cc7dc", tilt=7,
                    arms=(((-54, -100), (-4, -84)), ((56, -100), (38, -98))))  # fmt: skip
    draw_person(pen, mother, 222, 398, 1.22)
    _baby(pen.at(234, 276, 1, -12))
    pen.box(70, 306, 410, 380, "#e9f3f5", 20)
    pen.box(70, 306, 410, 324, p.WHITE, 9)
    pen.box(8, 262, 86, 360, p.WOOD, 4)
    pen.box(4, 254, 90, 266, dark(p.WOOD), 3)
    props.bouquet_vase(pen, 46, 255, 1.15)


def _baby(pen: Pen) -> None:
    pen.blob([(-54, 10), (-40, -18), (10, -28), (52, -22), (58, 6), (34, 24), (-20, 26)], p.YELLOW)
    pen.oval(34, -8, 22, 21, p.UMBER)
    pen.curve([(22, -6), (27, -3), (31, -6)], 2, p.INK)
    pen.curve([(38, -6), (43, -3), (47, -6)], 2, p.INK)
    pen.curve([(30, 3), (34, 6), (39, 3)], 2, "#7a2b35")
    pen.blob([(14, -18), (34, -34), (56, -18), (46, -22), (24, -22)], "#fbe39a")


def _beach(pen: Pen) -> None:
    settings.outdoors(pen, p.SKY, p.SAND, 226)
    settings.sea(pen, 150, 226)
    settings.sun(pen, 68, 58, 28)
    settings.cloud(pen, 200, 50, 0.8)
    pen.shape([(150, 152), (196, 152), (190, 164), (158, 164)], p.RED)
    pen.shape([(174, 148), (174, 104), (204, 146)], p.WHITE)
    furniture.parasol(pen, 396, 316, p.CORAL)
    woman = Person(faces.GLAD, p.TAN, "long", p.CHESTNUT, p.TEAL, bare_arms=True, dress=True, shoes=p.BROWN,
                   worn=(("straw hat", "#efd08e"),), arms=("wave", "hips"))  # fmt: skip
    draw_person(pen, woman, 330, 338, 0.98)
    child = Person(replace(faces.BEAMING, look=(4, 4)), p.TAN, "spiky", p.CHESTNUT, p.YELLOW, p.BLUE, drop=44,
                   bare_arms=True, head=1.25, arms=("down", ((48, -108), (62, -78))),
                   legs=(((-30, -30), (-34, -4)), ((30, -30), (34, -4))))  # fmt: skip
    draw_person(pen, child, 92, 334, 0.8)
    _sandcastle(pen.at(184, 338))


def _sandcastle(pen: Pen) -> None:
    sand = "#d9b068"
    pen.box(-44, -34, 44, 0, sand)
    for x in (-44, 0, 44):
        high = 74 if x == 0 else 56
        pen.box(x - 14, -high, x + 14, 0, dark(sand, 0.06))
        for step in (-14, -3, 8):
            pen.box(x + step, -high - 7, x + step + 6, -high, dark(sand, 0.06))
    pen.blob([(-9, 0), (-9, -14), (0, -22), (9, -14), (9, 0)], dark(sand, 0.4))
    pen.line([(0, -80), (0, -106)], 2.4, p.BROWN)
    pen.shape([(1, -106), (22, -98), (1, -90)], p.RED)


SCENES = (
    Scene("birthday-cake", "happy", "Why might the girl with the party hat be feeling happy?",
          ("Birthday cake with lit candles", "Wrapped presents on the table", "Colourful balloons overhead",
           "Parents smiling beside her", "Smiling broadly"), _birthday),
    Scene("flowers-on-the-bench", "happy", "Why might the old man on the bench be feeling happy?",
          ("Child giving him flowers", "Sunny day in the park", "Dog sitting at his side",
           "Smiling broadly"), _park_bench),
    Scene("finished-snowman", "happy", "Why might the boy in the red hat be feeling happy?",
          ("Finished snowman beside him", "Fresh snow all around", "Friend waving at him",
           "Arm raised in triumph"), _snowman),
    Scene("fresh-bread", "happy", "Why might the man in the white apron be feeling happy?",
          ("Freshly baked loaf of bread", "Steam rising from the bread", "Child clapping beside him",
           "Smiling broadly"), _fresh_bread),
    Scene("newborn-baby", "happy", "Why might the woman in the hospital bed be feeling happy?",
          ("Newborn baby in her arms", "Partner leaning close to her", "Flowers on the bedside table",
           "Gentle smile"), _newborn),
    Scene("beach-sandcastle", "happy", "Why might the woman in the straw hat be feeling happy?",
          ("Bright sun over the sea", "Child building a sandcastle", "Shade of a striped parasol",
           "Sailing boat on calm water", "Smiling broadly"), _beach),
)  # fmt: skip
