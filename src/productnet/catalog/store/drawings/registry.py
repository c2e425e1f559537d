"""Every recipe by name, so that the shelves in ``leaves.toml`` can ask for one."""

from collections.abc import Callable
from random import Random

from productnet.catalog.store.drawings import (
    bags_and_accessories,
    clothing,
    kitchen,
    lamps_and_seats,
    others,
    screens_and_sound,
    sports,
    tables_and_decoration,
)
from productnet.catalog.store.shapes import Shape

Recipe = Callable[[Random], list[Shape]]

RECIPES: dict[str, Recipe] = {
    recipe.__name__: recipe
    for recipe in (
        kitchen.mug,
        kitchen.tumbler,
        kitchen.teapot,
        kitchen.wine_glass,
        kitchen.frying_pan,
        kitchen.saucepan,
        kitchen.stockpot,
        kitchen.kettle,
        kitchen.toaster,
        kitchen.blender,
        lamps_and_seats.desk_lamp,
        lamps_and_seats.floor_lamp,
        lamps_and_seats.pendant_lamp,
        lamps_and_seats.dining_chair,
        lamps_and_seats.armchair,
        lamps_and_seats.bar_stool,
        tables_and_decoration.coffee_table,
        tables_and_decoration.desk,
        tables_and_decoration.vase,
        tables_and_decoration.plant_pot,
        tables_and_decoration.wall_clock,
        tables_and_decoration.picture_frame,
        clothing.sneaker,
        clothing.boot,
        clothing.sandal,
        clothing.t_shirt,
        clothing.sweater,
        clothing.jacket,
        bags_and_accessories.backpack,
        bags_and_accessories.handbag,
        bags_and_accessories.suitcase,
        bags_and_accessories.cap,
        bags_and_accessories.beanie,
        bags_and_accessories.wristwatch,
        screens_and_sound.laptop,
        screens_and_sound.tablet,
        screens_and_sound.monitor,
        screens_and_sound.headphones,
        screens_and_sound.speaker,
        sports.football,
        sports.basketball,
        sports.tennis_racket,
        sports.badminton_racket,
        others.card,
        others.book,
        others.bottle,
        others.bulb,
        others.socks,
        others.package,
        others.phone,
        others.brush,
    )
}
