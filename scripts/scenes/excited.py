"""Six scenes in which somebody is excited."""

from __future__ import annotations

from dataclasses import replace

from scenes import faces, furniture, props, settings
from scenes import palette as p
from scenes.pen import HEIGHT, WIDTH, Pen, dark, light
from scenes.people import Person, draw_person
from scenes.scene import Scene

_SEATED = (((-10.0, -92.0), (-10.0, -90.0)), ((10.0, -92.0), (10.0, -90.0)))


def _goal(pen: Pen) -> None:
    settings.outdoors(pen, p.SKY, p.GREEN, 200)
    pen.box(0, 66, WIDTH, 204, "#8796ad")
    settings.crowd(pen, 4, 96, (p.RED, p.YELLOW, p.WHITE))
    settings.crowd(pen, 9, 146, (p.RED, p.YELLOW, p.WHITE))
    pen.box(0, 172, WIDTH, 206, p.NAVY)
    for x in range(0, WIDTH, 120):
        pen.box(x, 286, x + 60, HEIGHT, "#7fbd84")
    furniture.goal(pen, 292, 470, 132, 278)
    props.ball(pen, 430, 238, 17)
    kit = Person(replace(faces.BEAMING, look=(5, 0)), p.COCOA, "curls", p.BLACK_HAIR, p.RED, p.WHITE, bare_arms=True,
                 arms=("up", "up"), head=1.1)  # fmt: skip
    draw_person(pen, kit, 52, 330, 0.84, -3)
    other = replace(kit, skin=p.PEACH, hair="bob", legs=("stand", "stride"))
    draw_person(pen, other, 304, 318, 0.78, 4)
    scorer = replace(kit, face=faces.THRILLED, skin=p.TAN, hair="ponytail", shade=p.DARK_HAIR,
                     legs=("jump", ((36, -58), (52, -26))))  # fmt: skip
    pen.oval(176, 340, 56, 7, dark(p.GREEN, 0.2))
    draw_person(pen, scorer, 178, 334, 1.14)


def _fireworks(pen: Pen) -> None:
    pen.box(0, 0, WIDTH, HEIGHT, p.NIGHT)
    settings.stars(pen, 6, 14, 200)
    for x, y, radius, colour in ((92, 84, 66, p.CORAL), (252, 66, 54, p.YELLOW), (404, 92, 70, p.LILAC),
                                 (318, 168, 32, "#7fd0c9")):  # fmt: skip
        props.firework(pen, x, y, radius, colour)
    pen.box(0, 250, WIDTH, HEIGHT, "#222955")
    for i, x in enumerate(range(0, WIDTH, 48)):
        pen.box(x, 214 + (i * 29) % 36, x + 50, 262, "#222955")
    for i, x in enumerate(range(8, WIDTH, 46)):
        pen.oval(x, 322 + (i * 13) % 16, 17, 19, "#454d86")
        pen.box(x - 26, 340 + (i * 13) % 16, x + 26, HEIGHT, "#454d86", 12)
    mother = Person(replace(faces.BEAMING, look=(-5, -7)), p.PORCELAIN, "none", p.CHESTNUT, p.TEAL, coat=True,
                    worn=(("hijab", p.CORAL),))  # fmt: skip
    boy = Person(replace(faces.AWED, mouth="cheer", flush="#ee8573", look=(-5, -7)), p.PORCELAIN, "short",
                 p.DARK_HAIR, p.YELLOW, coat=True, head=1.2, tilt=-5,
                 arms=(((-52, -172), (-84, -212)), ((56, -120), (40, -150))))  # fmt: skip
    draw_person(pen, mother, 330, 410, 1.12)
    draw_person(pen, boy, 206, 392, 1.06)
    pen.line([(117, 167), (104, 153)], 7, p.PORCELAIN)


def _puppy(pen: Pen) -> None:
    settings.room(pen, "#f4d9c0", "#c68f66", 300)
    settings.window(pen, 216, 34, 84, 80, p.NIGHT)
    settings.moon(pen, 236, 54, p.NIGHT, 11)
    _christmas_tree(pen.at(390, 314, 1.95))
    pen.oval(240, 336, 200, 24, "#e4b9a0")
    props.gift(pen, 446, 332, 50, 46, p.PURPLE, p.YELLOW)
    props.gift(pen, 398, 346, 44, 34, p.TEAL, p.WHITE)
    girl = Person(replace(faces.THRILLED, look=(7, 5)), p.UMBER, "afro", p.BLACK_HAIR, p.CORAL, p.NAVY, head=1.15,
                  arms=("cheek", "cheek"))  # fmt: skip
    draw_person(pen, girl, 146, 344, 1.1)
    pen.box(222, 226, 318, 244, dark(p.RED))
    pen.line([(270, 236), (270, 200)], 46, p.WOOD)
    props.dog_head(pen.at(268, 186, 1.5), p.WOOD)
    for side in (-1, 1):
        pen.oval(270 + side * 26, 244, 11, 13, light(p.WOOD, 0.4))
    pen.box(216, 246, 324, 334, p.RED, 3)
    pen.box(262, 246, 278, 334, p.YELLOW)
    pen.box(216, 280, 324, 294, p.YELLOW)
    lid = pen.at(342, 318, 0.9, 74)
    lid.box(-60, -10, 60, 10, dark(p.RED), 3)
    lid.box(-8, -10, 8, 10, p.YELLOW)
    for side in (-1, 1):
        lid.blob([(0, -10), (side * 20, -28), (side * 26, -10)], p.YELLOW)


def _christmas_tree(pen: Pen) -> None:
    settings.fir(pen, 0, 0)
    lights = ((-24, -22), (-6, -30), (14, -24), (30, -18), (-16, -54), (4, -60), (20, -54), (-8, -88), (9, -92))
    for i, (x, y) in enumerate(lights):
        pen.oval(x, y, 3.6, 3.6, (p.YELLOW, p.RED, p.SKY)[i % 3])
    for turn in range(0, 360, 72):
        pen.at(0, -133, 1, turn).shape([(0, -10), (4, -2), (-4, -2)], p.YELLOW)
    pen.oval(0, -133, 4, 4, p.YELLOW)


def _concert(pen: Pen) -> None:
    pen.box(0, 0, WIDTH, HEIGHT, "#33265a")
    beams = ((60, 150, p.CORAL), (180, 90, p.YELLOW), (300, 390, "#7fd0c9"), (420, 320, p.PINK))
    for x, foot, colour in beams:
        pen.shape([(x - 8, 18), (x + 8, 18), (foot + 62, 236), (foot - 62, 236)], colour + "48")
    for x in (60, 180, 300, 420):
        pen.box(x - 13, 0, x + 13, 22, p.INK, 5)
    pen.box(0, 220, WIDTH, 252, "#1f1840")
    pen.box(0, 252, WIDTH, HEIGHT, "#56458c")
    _band(pen)
    for i, x in enumerate(range(6, WIDTH, 40)):
        y = 300 + (i * 17) % 26
        pen.oval(x, y, 15, 17, "#181231")
        pen.box(x - 22, y + 16, x + 22, HEIGHT, "#181231", 10)
        pen.line([(x - 16, y + 22), (x - 22, y - 34)], 8, "#181231")
    fan = Person(faces.THRILLED, p.TAN, "long", "#b5477a", p.YELLOW, bare_arms=True, head=1.05, arms=("up", "up"))
    friend = Person(replace(faces.BEAMING, look=(-6, -2)), p.COCOA, "curls", p.BLACK_HAIR, p.TEAL, bare_arms=True,
                    arms=("down", "up"))  # fmt: skip
    draw_person(pen, friend, 366, 430, 1.05)
    draw_person(pen, fan, 214, 412, 1.14, -2)
    for x, y, turn, colour in ((136, 152, -14, "#8df0b2"), (284, 146, 12, "#ff8fc0"), (436, 188, 10, "#8df0b2")):
        stick = pen.at(x, y, 1, turn)
        stick.line([(0, 0), (0, -42)], 13, colour + "55")
        stick.line([(0, 2), (0, -40)], 6, colour)


def _band(pen: Pen) -> None:
    singer = Person(replace(faces.THRILLED, mouth="gasp"), p.PEACH, "spiky", p.BLONDE, p.RED, p.INK,
                    arms=("up", ((54, -128), (22, -168))))  # fmt: skip
    draw_person(pen, singer, 84, 226, 0.68)
    pen.line([(104, 112), (94, 122)], 5, p.INK)
    guitarist = Person(faces.BEAMING, p.UMBER, "afro", p.BLACK_HAIR, p.PURPLE, p.INK,
                       arms=(((-50, -108), (-12, -96)), ((54, -112), (62, -128))))  # fmt: skip
    draw_person(pen, guitarist, 396, 226, 0.68)
    guitar = pen.at(394, 164, 1, -22)
    guitar.line([(0, 0), (56, 0)], 5, p.BROWN)
    guitar.oval(-12, 0, 18, 15, p.ORANGE)
    guitar.oval(6, 0, 12, 11, p.ORANGE)
    guitar.oval(-4, 0, 5, 5, p.INK)


def _departure(pen: Pen) -> None:
    settings.room(pen, "#dce8ec", "#c3b8a8", 290)
    pen.box(96, 36, 480, 226, p.SKY)
    pen.box(96, 186, 480, 226, "#a7b0b6")
    settings.cloud(pen, 190, 76, 0.8)
    settings.sun(pen, 446, 66, 16)
    furniture.aeroplane(pen, 330, 166, 1.08)
    for x in (96, 224, 352, 480):
        pen.line([(x, 32), (x, 230)], 7, p.WHITE)
    for y in (33, 229):
        pen.line([(96, y), (480, y)], 7, p.WHITE)
    pen.box(10, 64, 82, 148, p.INK, 4)
    for y in (80, 98, 116, 134):
        pen.line([(20, y), (46, y)], 4, p.YELLOW)
        pen.line([(58, y), (72, y)], 4, p.WHITE)
    partner = Person(replace(faces.BEAMING, look=(-5, 0)), p.COCOA, "bun", p.BLACK_HAIR, p.PURPLE, dress=True,
                     arms=("up", "down"), shoes=p.RED)  # fmt: skip
    draw_person(pen, partner, 356, 342, 1.0)
    man = Person(faces.THRILLED, p.UMBER, "short", p.BLACK_HAIR, p.CORAL, "#5d83ad", bare_arms=True,
                 worn=(("straw hat", "#efd08e"), ("beard", p.BLACK_HAIR)),
                 arms=(((-58, -182), (-56, -226)), ((52, -112), (58, -90))))  # fmt: skip
    draw_person(pen, man, 182, 348, 1.1)
    for turn, colour in ((-22, p.WHITE), (4, p.WHITE)):
        ticket = pen.at(120, 92, 1, turn)
        ticket.box(-13, -46, 13, 0, p.GREY, 2)
        ticket.box(-12, -45, 12, -1, colour, 2)
        ticket.box(-12, -45, 12, -34, p.TEAL)
        for y in (-26, -18):
            ticket.line([(-7, y), (7, y)], 1.8, p.SLATE)
    pen.oval(120, 98, 12, 12, p.UMBER)
    props.suitcase(pen, 254, 350, p.TEAL, 1)
    props.suitcase(pen, 430, 346, p.RED, 0.9)


def _roller_coaster(pen: Pen) -> None:
    pen.box(0, 0, WIDTH, HEIGHT, p.SKY)
    settings.cloud(pen, 250, 44, 0.9)
    settings.cloud(pen, 420, 106, 0.7)
    furniture.big_wheel(pen, 84, 116, 70)
    for i, x in enumerate(range(10, 200, 46)):
        tent = [(x - 24, 360), (x - 24, 328), (x, 306), (x + 24, 328), (x + 24, 360)]
        pen.shape(tent, (p.RED, p.YELLOW, p.TEAL)[i % 3])
    slope = pen.at(262, 232, 1, 24)
    for x in range(-330, 330, 60):
        slope.line([(x, 84), (x + 110, 300)], 5, p.STONE)
        slope.line([(x, 84), (x - 40, 300)], 5, p.STONE)
        slope.box(x, 70, x + 12, 92, p.BROWN)
    slope.line([(-340, 68), (340, 68)], 8, p.SLATE)
    slope.line([(-340, 90), (340, 90)], 8, p.SLATE)
    woman = Person(faces.THRILLED, p.PORCELAIN, "curls", p.GINGER, p.PURPLE, bare_arms=True, arms=("up", "up"),
                   legs=_SEATED)  # fmt: skip
    friend = Person(replace(faces.SHOUTING, brows="high", eyes="smiling"), p.COCOA, "short", p.BLACK_HAIR, p.LEAF,
                    worn=(("glasses", p.INK),), bare_arms=True, arms=("up", "up"), legs=_SEATED)  # fmt: skip
    draw_person(slope, friend, -92, 136, 0.86)
    draw_person(slope, woman, 46, 138, 0.98)
    slope.blob([(-150, 66), (-150, 14), (-30, 14), (-24, 66)], p.RED)
    slope.blob([(-26, 66), (-26, 6), (98, 10), (152, 40), (150, 66)], p.RED)
    slope.box(-142, 40, 140, 50, p.YELLOW)
    for x in (-116, -56, 14, 106):
        slope.oval(x, 66, 13, 13, p.INK)
        slope.oval(x, 66, 5, 5, p.STONE)
    slope.line([(-8, 4), (88, 8)], 7, p.SLATE)
    for y, reach in ((-86, 118), (-58, 148), (-30, 134)):
        slope.line([(reach, y), (reach + 46, y)], 4, p.WHITE)


SCENES = (
    Scene("winning-goal", "excited", "Why might the footballer with the ponytail be feeling excited?",
          ("Ball in the back of the net", "Teammates cheering beside her", "Crowd with raised arms",
           "Jumping off the ground"), _goal),
    Scene("night-fireworks", "excited", "Why might the boy in the yellow coat be feeling excited?",
          ("Fireworks bursting in the night sky", "Pointing up at the sky", "Crowd gathered to watch",
           "Eyes wide open"), _fireworks),
    Scene("puppy-present", "excited", "Why might the girl in the pink jumper be feeling excited?",
          ("Puppy peeking out of a gift box", "Christmas tree with lights", "Hands on her cheeks",
           "More presents under the tree", "Eyes wide open"), _puppy),
    Scene("front-row-concert", "excited", "Why might the woman with the pink hair be feeling excited?",
          ("Band playing on the stage", "Coloured stage lights", "Glow sticks in her hands",
           "Crowd raising their arms", "Mouth wide open"), _concert),
    Scene("holiday-departure", "excited", "Why might the man in the straw hat be feeling excited?",
          ("Plane waiting outside the window", "Tickets held up in his hand", "Packed suitcase at his side",
           "Woman cheering beside him"), _departure),
    Scene("roller-coaster", "excited", "Why might the woman with ginger curls be feeling excited?",
          ("Roller coaster rushing downhill", "Both arms thrown in the air", "Friend screaming behind her",
           "Fairground wheel in the background", "Mouth wide open"), _roller_coaster),
)  # fmt: skip
