"""Six scenes in which somebody is sad."""

from __future__ import annotations

from dataclasses import replace

from scenes import faces, furniture, props, settings
from scenes import palette as p
from scenes.pen import HEIGHT, WIDTH, Pen, dark, light
from scenes.people import Person, draw_person
from scenes.scene import Scene


def _broken_bicycle(pen: Pen) -> None:
    settings.outdoors(pen, "#cfdde4", "#a6c18a", 196)
    settings.cloud(pen, 90, 52, 1, "#eef2f3")
    settings.cloud(pen, 250, 40, 0.8, "#eef2f3")
    for x, y, size in ((44, 216, 0.9), (112, 206, 0.6), (452, 214, 0.8)):
        settings.tree(pen, x, y, size)
    pen.blob([(196, 196), (240, 196), (300, 250), (500, 290), (500, 380), (-20, 380), (-20, 280), (150, 250)], p.STONE)
    for x, y, top in ((196, 204, p.TEAL), (238, 214, p.PURPLE)):
        _rider(pen.at(x, y, 0.46), top)
    girl = Person(replace(faces.TEARFUL, look=(-6, 6)), p.PEACH, "bunches", p.CHESTNUT, p.YELLOW, p.PEACH, p.RED,
                  bare_arms=True, drop=66, tilt=6, head=1.2, arms=("cheek", ((50, -104), (40, -76))),
                  legs=(((-62, -60), (-74, -4)), ((36, -34), (74, -4))))  # fmt: skip
    furniture.bicycle(pen, 110, 302, 1.05, broken=True)
    draw_person(pen, girl, 352, 340, 1.18)
    pen.oval(279, 268, 11, 10, "#e9897b")
    pen.oval(279, 268, 7, 6, p.RED)
    pen.line([(279, 272), (278, 290)], 3.4, p.RED)


def _rider(pen: Pen, top: str) -> None:
    pen.oval(0, 0, 7, 30, p.INK)
    pen.line([(-24, -56), (24, -56)], 5, p.INK)
    for side in (-1, 1):
        pen.line([(side * 10, -40), (side * 17, -14), (side * 10, 8)], 13, p.NAVY)
        pen.line([(side * 18, -88), (side * 28, -58)], 10, dark(top))
    pen.box(-22, -98, 22, -38, top, 12)
    pen.oval(0, -120, 21, 23, p.DARK_HAIR)


def _farewell(pen: Pen) -> None:
    pen.box(0, 0, WIDTH, HEIGHT, "#b9c6d3")
    pen.box(0, 0, WIDTH, 36, "#6f7c8c")
    for x in range(-20, WIDTH, 70):
        pen.line([(x, 36), (x + 35, 6), (x + 70, 36)], 4, "#5b6776")
    pen.box(0, 236, WIDTH, HEIGHT, "#cdc5b8")
    furniture.train(pen, 150, 520, 76, 252, "#3f7f78")
    traveller = Person(replace(faces.MOURNFUL, eyes="open", look=(-7, 3)), p.TAN, "short", p.BLACK_HAIR, p.ORANGE,
                       arms=("wave", "down"))  # fmt: skip
    pen.box(346, 86, WIDTH, 192, "#3f7f78")
    pen.box(352, 98, 472, 180, "#d8ecf0", 8)
    draw_person(pen, traveller, 424, 276, 0.74)
    pen.box(346, 180, WIDTH, 252, "#3f7f78")
    pen.box(150, 192.2, WIDTH, 206.2, p.CREAM)
    pen.box(150, 240, WIDTH, 252, "#2f5f5a")
    pen.box(0, 252, WIDTH, HEIGHT, "#cdc5b8")
    pen.box(0, 254, WIDTH, 262, p.YELLOW)
    props.clock(pen, 50, 66, 6, 40, 26)
    woman = Person(replace(faces.TEARFUL, look=(6, 1)), p.PORCELAIN, "bun", p.CHESTNUT, "#7d6a9c", p.INK, coat=True,
                   scarf=p.RED, tilt=-4, arms=("chest", ((62, -134), (72, -172))))  # fmt: skip
    draw_person(pen, woman, 120, 352, 1.16)


def _dropped_ice_cream(pen: Pen) -> None:
    settings.outdoors(pen, p.SKY, "#d8cdbb", 218)
    settings.sun(pen, 52, 50, 20)
    pen.box(0, 196, WIDTH, 220, p.GREEN)
    pen.box(28, 136, 170, 262, p.WHITE, 6)
    pen.box(28, 192, 170, 262, p.PINK, 6)
    for i, x in enumerate(range(18, 180, 27)):
        pen.box(x, 106, x + 27, 140, (p.CORAL, p.WHITE)[i % 2], 6)
    for wheel in (58, 140):
        pen.oval(wheel, 266, 16, 16, p.INK)
        pen.oval(wheel, 266, 7, 7, p.STONE)
    props.cone(pen, 99, 240, 1, p.YELLOW)
    girl = Person(replace(faces.BEAMING, look=(4, 4)), p.COCOA, "afro", p.BLACK_HAIR, p.PURPLE, dress=True, shoes=p.RED,
                  bare_arms=True, head=1.2, arms=("down", ((48, -110), (38, -132))))  # fmt: skip
    draw_person(pen, girl, 398, 332, 0.92)
    props.cone(pen, 440, 206, 1.15, p.CORAL, 8)
    boy = Person(faces.WEEPING, p.COCOA, "curls", p.BLACK_HAIR, p.YELLOW, p.BLUE, head=1.2, bare_arms=True, tilt=-5,
                 arms=(((-56, -108), (-70, -134)), ((52, -110), (44, -78))))  # fmt: skip
    draw_person(pen, boy, 248, 336, 1.02)
    props.cone(pen, 175, 206, 1.25, "", -10)
    pen.blob([(112, 340), (128, 330), (160, 336), (196, 328), (214, 338), (196, 348), (164, 345), (130, 350)], p.PINK)
    pen.blob([(132, 334), (138, 316), (164, 308), (186, 318), (192, 336), (164, 342)], "#f29aa6")
    pen.oval(152, 320, 7, 4, light(p.PINK, 0.6))
    for x, y, colour in ((168, 318, p.YELLOW), (178, 328, p.TEAL), (160, 330, p.RED), (144, 332, p.YELLOW)):
        pen.line([(x, y), (x + 4, y + 2)], 2.4, colour)


def _bedside(pen: Pen) -> None:
    settings.room(pen, "#a9bccb", "#8b97a4", 306)
    settings.window(pen, 196, 30, 104, 92, "#5f7389")
    for x, y in ((206, 40), (222, 62), (214, 92), (262, 42), (280, 66), (270, 96), (236, 100), (290, 100)):
        pen.line([(x, y), (x - 4, y + 13)], 1.8, "#c4d6e4")
    furniture.drip(pen, 34, 300)
    pen.box(330, 40, 396, 92, p.SLATE, 6)
    pen.box(336, 46, 390, 86, p.INK)
    pen.line([(338, 68), (352, 68), (358, 56), (364, 78), (370, 68), (388, 68)], 2.4, p.GREEN)
    furniture.bed(pen, 50, 336, 250, 352, "#86a9c0")
    husband = Person(faces.Face("lowered", "sad", "flat"), p.PORCELAIN, "balding", p.SILVER)
    pen.box(66, 202, 152, 262, p.WHITE, 18)
    draw_person(pen.at(114, 232, 1, -74), husband, 0, 205, 1.06)
    pen.blob([(160, 270), (172, 226), (210, 216), (330, 226), (340, 262), (340, 330), (160, 330)], "#86a9c0")
    pen.blob([(156, 282), (162, 238), (178, 220), (196, 222), (184, 250), (182, 330), (156, 330)], "#b8cfdd")
    wife = Person(replace(faces.MOURNFUL, look=(-6, 8)), p.PEACH, "bun", p.SILVER, "#8c5a78", "#5a5f75", coat=True,
                  tilt=-11, worn=(("glasses", p.INK),), legs=("sit", "sit"), drop=26,
                  arms=(((-62, -112), (-98, -104)), ((48, -104), (-4, -92))))  # fmt: skip
    furniture.chair(pen, 384, 352, 1.1)
    draw_person(pen, wife, 372, 356, 1.14)
    pen.line([(206, 262), (248, 262)], 16, p.BLUE)
    pen.oval(256, 262, 13, 11, p.PORCELAIN)
    pen.oval(266, 268, 11, 9, p.PEACH)


def _lost_dog(pen: Pen) -> None:
    pen.box(0, 0, WIDTH, HEIGHT, "#6d7a92")
    settings.houses(pen, 246, ("#5c6780", "#66607c", "#58697d", "#625f78"), "#8d93a3", 34)
    pen.box(0, 240, WIDTH, HEIGHT, "#8f98a3")
    pen.box(0, 236, WIDTH, 246, "#a8b0b8")
    for x, y, rx in ((96, 330, 60), (404, 290, 44)):
        pen.oval(x, y, rx, 9, "#a9b9c8")
    pen.shape([(366, 56), (334, 56), (270, 330), (430, 330)], "#f7d06530")
    furniture.lamp_post(pen, 350, 326, 250)
    pen.box(296, 122, 404, 256, p.WHITE, 2)
    props.lettering(pen, "LOST", 350, 142, 3.4, p.RED)
    pen.box(308, 158, 392, 236, p.SAND)
    props.dog_head(pen.at(348, 196, 1.45), p.WOOD)
    for y in (242, 249):
        pen.line([(314, y), (386, y)], 2, p.GREY)
    boy = Person(replace(faces.TEARFUL, look=(2, 7)), p.TAN, "short", p.BLACK_HAIR, "#e0b13f", "#4f5a78", coat=True,
                 head=1.2, tilt=5, arms=("down", ((54, -108), (46, -128))), shoes=p.RED)  # fmt: skip
    draw_person(pen, boy, 160, 344, 1.12)
    pen.curve([(212, 204), (232, 244), (216, 290), (248, 318)], 5, p.RED)
    pen.curve([(248, 318), (270, 306), (284, 322), (266, 336), (248, 320)], 6, p.RED)
    pen.oval(268, 337, 5, 5, p.YELLOW)
    settings.rain(pen, 5)


def _nobody_came(pen: Pen) -> None:
    settings.room(pen, "#8f8fb4", "#6d6180", 320)
    settings.window(pen, 60, 40, 96, 88, p.NIGHT)
    settings.moon(pen, 84, 64, p.NIGHT, 12)
    props.clock(pen, 404, 70, 9, 0, 30)
    for i, x in enumerate(range(172, 352, 26)):
        pen.shape([(x, 24), (x + 24, 24), (x + 12, 46)], (p.RED, p.YELLOW, p.TEAL)[i % 3])
    pen.line([(168, 24), (356, 24)], 2, p.WHITE)
    for x in (62, 142, 348, 428):
        furniture.chair(pen, x, 350, 1.2, "#b58a66")
    boy = Person(replace(faces.SAD, look=(5, 6)), p.PORCELAIN, "short", p.GINGER, p.TEAL, p.NAVY, head=1.2, tilt=-8,
                 arms=("lap", ((54, -112), (30, -152))), worn=(("party hat", p.LEAF),))  # fmt: skip
    draw_person(pen, boy, 222, 382, 1.04)
    furniture.table(pen, 20, 460, 284, "#c99a72")
    props.cake(pen, 318, 285, p.YELLOW, lit=False, size=0.92)
    for x in (64, 140, 420):
        pen.oval(x, 284, 26, 5, p.WHITE)
        pen.shape([(x - 8, 281), (x + 8, 281), (x + 11, 258), (x - 11, 258)], p.RED)
    props.balloon(pen, 118, 334, "#c56b78", (70, 356), 0.8)


SCENES = (
    Scene("broken-bicycle", "sad", "Why might the girl in the yellow top be feeling sad?",
          ("Broken bicycle on the path", "Grazed knee", "Friends riding away without her",
           "Tears on her cheeks"), _broken_bicycle),
    Scene("station-farewell", "sad", "Why might the woman with the red scarf be feeling sad?",
          ("Train at the platform", "Man waving from the train window", "Tears on her cheeks",
           "Downturned mouth"), _farewell),
    Scene("dropped-ice-cream", "sad", "Why might the boy in the yellow shirt be feeling sad?",
          ("Ice cream fallen on the ground", "Empty cone in his hand", "Girl enjoying her own ice cream",
           "Tears streaming down his face"), _dropped_ice_cream),
    Scene("hospital-bedside", "sad", "Why might the old woman with glasses be feeling sad?",
          ("Old man lying ill in bed", "Drip stand beside the bed", "Holding the sick man's hand",
           "Rain against the window", "Downturned mouth"), _bedside),
    Scene("lost-dog", "sad", "Why might the boy in the yellow coat be feeling sad?",
          ("Poster of a lost dog", "Empty dog lead in his hand", "Grey, rainy street", "Tears on his cheeks",
           "Downturned mouth"), _lost_dog),
    Scene("nobody-came", "sad", "Why might the boy in the party hat be feeling sad?",
          ("Empty chairs around the table", "Untouched birthday cake", "Sitting alone at his party",
           "Dark night outside", "Downturned mouth"), _nobody_came),
)  # fmt: skip
