"""Elm, the country: three roundabouts, rural roads over hills, and a village street."""

from towns.plan import Corner, CrossSection, Junction, RightOfWay, Roundabout, Street, TownPlan

_RURAL = CrossSection(
    1, 1, lane_m=3.5, speed_kmh=70, edge_line=True, sidewalk=False, kerb=False, gutter_m=1.0
)
_LINK = CrossSection(
    1, 1, lane_m=3.5, speed_kmh=60, edge_line=True, sidewalk=False, kerb=False, gutter_m=1.0
)
_VILLAGE = CrossSection(1, 1, lane_m=3.25, speed_kmh=40, parking_right=True)

ELM = TownPlan(
    "elm",
    junctions=(
        Junction("chapel", 10, 230, 9.0, RightOfWay.STOP, minor=("chapel street",)),
        Junction("bridge", 20, -230, 1.0, RightOfWay.YIELD, minor=("bridge street",)),
    ),
    streets=(
        Street(
            "hill road", "green", "hill", _LINK,
            corners=(Corner(110, 6, 70), Corner(210, 122, 80)),
        ),
        Street(
            "lake road", "green", "lake", _LINK,
            corners=(Corner(-120, 0, 60), Corner(-200, -124, 60)),
        ),
        Street(
            "chapel street", "green", "chapel", _VILLAGE,
            corners=(Corner(-25, 110, 80),), crosswalks=(0.35,),
        ),
        Street("bridge street", "green", "bridge", _VILLAGE, corners=(Corner(30, -110, 80),)),
        Street(
            "ridge road east", "hill", "chapel", _RURAL,
            corners=(Corner(300, 240, 40), Corner(190, 262, 120)), heights=((0.45, 19.0),),
        ),
        Street(
            "ridge road west", "chapel", "lake", _RURAL,
            corners=(Corner(-170, 222, 110), Corner(-322, 70, 110)),
            heights=((0.3, 16.0), (0.65, 7.0)),
        ),
        Street(
            "valley road west", "lake", "bridge", _RURAL,
            corners=(Corner(-312, -230, 45), Corner(-150, -268, 110)), heights=((0.55, 6.0),),
        ),
        Street(
            "valley road east", "bridge", "hill", _RURAL,
            corners=(Corner(210, -256, 100), Corner(348, -100, 110)), heights=((0.4, 2.0),),
        ),
    ),
    roundabouts=(
        Roundabout(
            "green", 0, 0, 0.0, crosswalks=("chapel street", "bridge street"),
        ),
        Roundabout("hill", 330, 150, 14.0, sidewalk=False),
        Roundabout("lake", -300, -120, 3.0, radius_m=18.0, sidewalk=False),
    ),
)  # fmt: skip
