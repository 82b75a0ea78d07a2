"""Birch, the held-out town: a winding suburb inside a ring, with a main street of T junctions."""

from tools.towns.plan import Corner, CrossSection, Junction, RightOfWay, Street, TownPlan

_AVENUE = CrossSection(2, 2, lane_m=3.5, speed_kmh=60, edge_line=True)
_RING = CrossSection(1, 1, lane_m=3.5, speed_kmh=50, edge_line=True)
_MAIN = CrossSection(1, 1, lane_m=3.4, speed_kmh=40, parking_right=True, parking_left=True)
_MAIN_OPEN = CrossSection(1, 1, lane_m=3.4, speed_kmh=40)
_LANE = CrossSection(1, 1, speed_kmh=30)
_LANE_PARKING = CrossSection(1, 1, speed_kmh=30, parking_left=True)

_SIGNALS, _STOP, _YIELD = RightOfWay.SIGNALS, RightOfWay.STOP, RightOfWay.YIELD

BIRCH = TownPlan(
    "birch",
    junctions=(
        Junction(
            "station", 168, -4, 0.0, _SIGNALS, kerb_radius_m=7.0,
            crosswalks=("main street east", "ring east", "ring southeast", "orchard loop"),
        ),
        Junction(
            "summit", 84, 120, 3.0, _SIGNALS, kerb_radius_m=7.0,
            crosswalks=("ring north", "hazel lane north", "ring east"),
        ),
        Junction("quarry", -92, 116, 8.0, _YIELD, minor=("fern lane north",)),
        Junction(
            "bridge", -176, -18, 0.0, _SIGNALS,
            crosswalks=("main street west", "ring west", "ring southwest"),
        ),
        Junction("meadow", -78, -132, 0.0, _STOP, minor=("brook lane",)),
        Junction(
            "depot", 92, -124, 0.0, _STOP, minor=("hazel lane south",), kerb_radius_m=7.0,
        ),
        Junction(
            "library", -92, -2, 1.0, _YIELD, minor=("fern lane south",),
            crosswalks=("main street west", "fern lane south"),
        ),
        Junction(
            "bakery", -32, -34, 0.5, _STOP, minor=("brook lane",),
            crosswalks=("main street middle", "brook lane"),
        ),
        Junction(
            "square", 62, -8, 0.0, _SIGNALS,
            crosswalks=(
                "main street middle east", "main street east", "hazel lane", "hazel lane south",
            ),
        ),
        Junction("hazel", 56, 58, 1.0, _YIELD, minor=("winding lane",)),
        Junction("fern", -104, 60, 4.5, _STOP, minor=("winding lane",)),
    ),
    streets=(
        Street("ring east", "station", "summit", _AVENUE, corners=(Corner(164, 88, 45),)),
        Street(
            "ring north", "summit", "quarry", _RING,
            corners=(Corner(24, 154, 60), Corner(-38, 112, 50)),
        ),
        Street("ring west", "quarry", "bridge", _RING, corners=(Corner(-178, 98, 40),)),
        Street("ring southwest", "bridge", "meadow", _RING, corners=(Corner(-172, -124, 30),)),
        Street(
            "ring south", "meadow", "depot", _RING,
            corners=(Corner(-28, -134, 50), Corner(16, -168, 40), Corner(52, -126, 40)),
        ),
        Street("ring southeast", "depot", "station", _AVENUE, corners=(Corner(170, -118, 40),)),
        Street(
            "orchard loop", "station", "summit", _LANE_PARKING,
            corners=(Corner(228, -4, 22), Corner(232, 132, 20), Corner(132, 168, 25)),
        ),
        Street("main street west", "bridge", "library", _MAIN_OPEN),
        Street("main street middle", "library", "bakery", _MAIN, corners=(Corner(-62, -30, 25),)),
        Street(
            "main street middle east", "bakery", "square", _MAIN_OPEN,
            corners=(Corner(12, -44, 20), Corner(30, -8, 18)),
        ),
        Street("main street east", "square", "station", _MAIN, crosswalks=(0.5,)),
        Street("fern lane south", "library", "fern", _LANE),
        Street("fern lane north", "fern", "quarry", _LANE),
        Street("hazel lane", "square", "hazel", _LANE),
        Street("hazel lane north", "hazel", "summit", _LANE, corners=(Corner(54, 92, 25),)),
        Street(
            "hazel lane south", "square", "depot", _LANE_PARKING,
            corners=(Corner(62, -62, 30), Corner(94, -84, 20)),
        ),
        Street(
            "brook lane", "bakery", "meadow", _LANE,
            corners=(Corner(-22, -86, 18), Corner(-76, -84, 18)),
        ),
        Street(
            "winding lane", "hazel", "fern", _LANE_PARKING,
            corners=(
                Corner(18, 60, 16), Corner(4, 24, 16), Corner(-40, 24, 16), Corner(-54, 62, 16),
            ),
        ),
    ),
)
