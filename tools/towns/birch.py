"""Birch, the held-out town: a winding suburb inside a ring, with a main street of T junctions."""

from towns.plan import Corner, CrossSection, Junction, RightOfWay, Street, TownPlan

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
            "station",
            178,
            -20,
            0.0,
            _SIGNALS,
            kerb_radius_m=7.0,
            crosswalks=("main street east", "ring east", "ring works", "orchard loop"),
        ),
        Junction("gate", 176, 48, 0.5, _STOP, minor=("garden lane",), kerb_radius_m=7.0),
        Junction(
            "summit",
            89,
            132,
            3.0,
            _SIGNALS,
            kerb_radius_m=7.0,
            crosswalks=("ring north", "hazel lane north", "ring northeast"),
        ),
        Junction("quarry", -98, 140, 6.5, _YIELD, minor=("fern lane north",)),
        Junction(
            "bridge",
            -187,
            -13,
            0.0,
            _SIGNALS,
            crosswalks=("main street west", "ring west", "ring southwest"),
        ),
        Junction("weir", -184, -88, 0.0, _YIELD, minor=("mill lane",)),
        Junction(
            "millpond",
            -80,
            -86,
            0.0,
            _STOP,
            minor=("brook lane south",),
            crosswalks=("mill lane",),
        ),
        Junction("meadow", -83, -146, 0.0, _STOP, minor=("brook lane south",)),
        Junction(
            "depot",
            98,
            -152,
            0.0,
            _STOP,
            minor=("hazel lane south",),
            kerb_radius_m=7.0,
        ),
        Junction("works", 181, -90, 0.0, _STOP, minor=("factory road",), kerb_radius_m=7.0),
        Junction("yard", 68, -78, 0.0, _YIELD, minor=("factory road",)),
        Junction(
            "library",
            -98,
            0,
            2.0,
            _YIELD,
            minor=("fern lane south",),
            crosswalks=("main street west", "fern lane south"),
        ),
        Junction(
            "bakery",
            -34,
            -36,
            0.5,
            _STOP,
            minor=("brook lane",),
            crosswalks=("main street middle", "brook lane"),
        ),
        Junction(
            "square",
            66,
            -8,
            0.0,
            _SIGNALS,
            crosswalks=(
                "main street middle east",
                "main street east",
                "hazel lane",
                "hazel lane middle",
            ),
        ),
        Junction(
            "hazel",
            59,
            61,
            1.0,
            _STOP,
            minor=("winding lane", "garden lane"),
            crosswalks=("hazel lane",),
        ),
        Junction("fern", -110, 66, 4.0, _STOP, minor=("winding lane",)),
    ),
    streets=(
        Street("ring east", "station", "gate", _AVENUE),
        Street("ring northeast", "gate", "summit", _AVENUE, corners=(Corner(174, 110, 45),)),
        Street(
            "ring north",
            "summit",
            "quarry",
            _RING,
            corners=(Corner(30, 168, 60), Corner(-36, 134, 50)),
        ),
        Street("ring west", "quarry", "bridge", _RING, corners=(Corner(-190, 126, 40),)),
        Street("ring southwest", "bridge", "weir", _RING),
        Street("ring meadow", "weir", "meadow", _RING, corners=(Corner(-182, -140, 30),)),
        Street(
            "ring south",
            "meadow",
            "depot",
            _RING,
            corners=(Corner(-30, -150, 50), Corner(17, -188, 40), Corner(55, -154, 40)),
        ),
        Street("ring southeast", "depot", "works", _AVENUE, corners=(Corner(182, -146, 40),)),
        Street("ring works", "works", "station", _AVENUE),
        Street(
            "orchard loop",
            "station",
            "summit",
            _LANE_PARKING,
            corners=(
                Corner(240, -22, 22),
                Corner(250, 80, 60),
                Corner(214, 160, 30),
                Corner(130, 184, 25),
            ),
        ),
        Street("main street west", "bridge", "library", _MAIN_OPEN),
        Street(
            "main street middle", "library", "bakery", _MAIN_OPEN, corners=(Corner(-66, -32, 25),)
        ),
        Street(
            "main street middle east",
            "bakery",
            "square",
            _MAIN_OPEN,
            corners=(Corner(13, -47, 20), Corner(32, -8, 18)),
        ),
        Street("main street east", "square", "station", _MAIN, crosswalks=(0.5,)),
        Street("fern lane south", "library", "fern", _LANE),
        Street("fern lane north", "fern", "quarry", _LANE),
        Street("hazel lane", "square", "hazel", _LANE),
        Street("hazel lane north", "hazel", "summit", _LANE, corners=(Corner(57, 100, 25),)),
        Street("hazel lane middle", "square", "yard", _LANE),
        Street(
            "hazel lane south",
            "yard",
            "depot",
            _LANE,
            corners=(Corner(62, -108, 25), Corner(84, -128, 18)),
        ),
        Street(
            "garden lane",
            "hazel",
            "gate",
            _LANE_PARKING,
            corners=(Corner(98, 64, 25), Corner(124, 42, 25), Corner(150, 47, 60)),
        ),
        Street("factory road", "yard", "works", _LANE_PARKING),
        Street(
            "mill lane",
            "weir",
            "millpond",
            _LANE_PARKING,
            corners=(Corner(-140, -92, 60), Corner(-110, -84, 60)),
        ),
        Street("brook lane", "bakery", "millpond", _LANE, corners=(Corner(-23, -88, 18),)),
        Street("brook lane south", "millpond", "meadow", _LANE),
        Street(
            "winding lane",
            "hazel",
            "fern",
            _LANE_PARKING,
            corners=(
                Corner(19, 64, 16),
                Corner(4, 25, 16),
                Corner(-42, 25, 16),
                Corner(-57, 66, 16),
            ),
        ),
    ),
)
