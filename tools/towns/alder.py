"""Alder, the training town: an old grid with an avenue, a market street and a hill."""

from tools.towns.plan import Corner, CrossSection, Junction, RightOfWay, Street, TownPlan

_AVENUE = CrossSection(2, 2, lane_m=3.5, speed_kmh=50, edge_line=True)
_COLLECTOR = CrossSection(1, 1, lane_m=3.5, speed_kmh=50, edge_line=True)
_STREET = CrossSection(1, 1, speed_kmh=40)
_PARKING_BOTH = CrossSection(1, 1, speed_kmh=30, parking_right=True, parking_left=True)
_PARKING_RIGHT = CrossSection(1, 1, speed_kmh=30, parking_right=True)
_LANE = CrossSection(1, 1, speed_kmh=30)

_SIGNALS, _STOP, _YIELD = RightOfWay.SIGNALS, RightOfWay.STOP, RightOfWay.YIELD

ALDER = TownPlan(
    "alder",
    junctions=(
        Junction(
            "westgate", -195, 5, 0.0, _SIGNALS,
            crosswalks=("avenue west", "mill road", "wall street south"),
        ),
        Junction(
            "fountain", -72, 0, 0.0, _SIGNALS,
            crosswalks=("avenue west", "avenue middle", "tanner street", "lime street"),
        ),
        Junction(
            "market", 62, 14, 0.5, _SIGNALS,
            crosswalks=("avenue middle", "avenue east", "baker street", "castle hill"),
        ),
        Junction(
            "eastgate", 192, 10, 2.0, _SIGNALS,
            crosswalks=("avenue east", "river road", "wall street east"),
        ),
        Junction("mill", -188, 92, 0.0, _YIELD, minor=("weaver street west",)),
        Junction(
            "weaver", -78, 84, 0.0, _STOP, minor=("tanner street", "chapel street"),
            crosswalks=("weaver street west", "weaver street middle", "chapel street"),
        ),
        Junction(
            "school", 54, 96, 0.5, _STOP, minor=("weaver street middle", "weaver street east"),
            crosswalks=("baker street", "school street", "weaver street east"),
        ),
        Junction("ferry", 188, 88, 1.0, _STOP, minor=("weaver street east",)),
        Junction("chapel", -70, 162, 0.0, _YIELD, minor=("chapel street",)),
        Junction("north", 60, 170, 0.5, _STOP, minor=("school street",)),
        Junction("lime", -66, -112, 1.5, _YIELD, minor=("lime street",)),
        Junction(
            "castle", 70, -128, 7.0, _SIGNALS,
            crosswalks=("castle hill", "ridge road west"),
        ),
    ),
    streets=(
        Street("avenue west", "westgate", "fountain", _AVENUE),
        Street(
            "avenue middle", "fountain", "market", _AVENUE,
            corners=(Corner(-25, 0, 120), Corner(20, 14, 120)),
        ),
        Street("avenue east", "market", "eastgate", _AVENUE),
        Street("mill road", "westgate", "mill", _COLLECTOR),
        Street(
            "wall street north", "mill", "chapel", _COLLECTOR,
            corners=(Corner(-182, 158, 22),),
        ),
        Street("north street", "chapel", "north", _PARKING_BOTH, crosswalks=(0.5,)),
        Street(
            "ferry road", "north", "ferry", _COLLECTOR,
            corners=(Corner(190, 178, 18),),
        ),
        Street("river road", "ferry", "eastgate", _COLLECTOR),
        Street(
            "wall street east", "eastgate", "castle", _COLLECTOR,
            corners=(Corner(196, -96, 30), Corner(130, -128, 60)),
        ),
        Street(
            "ridge road west", "castle", "lime", _PARKING_RIGHT,
            corners=(Corner(25, -128, 25), Corner(0, -104, 25), Corner(-30, -112, 60)),
        ),
        Street(
            "wall street south", "lime", "westgate", _COLLECTOR,
            corners=(Corner(-196, -112, 26),),
        ),
        Street("weaver street west", "mill", "weaver", _PARKING_RIGHT),
        Street("weaver street middle", "weaver", "school", _PARKING_BOTH, crosswalks=(0.5,)),
        Street(
            "weaver street east", "school", "ferry", _LANE,
            corners=(Corner(96, 100, 30), Corner(118, 74, 20), Corner(146, 88, 30)),
        ),
        Street("tanner street", "fountain", "weaver", _STREET),
        Street("chapel street", "weaver", "chapel", _LANE),
        Street("baker street", "market", "school", _PARKING_RIGHT),
        Street("school street", "school", "north", _LANE),
        Street("lime street", "fountain", "lime", _PARKING_BOTH),
        Street("castle hill", "market", "castle", _STREET),
    ),
)
