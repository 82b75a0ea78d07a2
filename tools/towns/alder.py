"""Alder, the training town: an old grid with an avenue, a market street and a hill."""

from towns.plan import Corner, CrossSection, Junction, RightOfWay, Street, TownPlan

_AVENUE = CrossSection(2, 2, lane_m=3.5, speed_kmh=50, edge_line=True)
_COLLECTOR = CrossSection(1, 1, lane_m=3.5, speed_kmh=50, edge_line=True)
_STREET = CrossSection(1, 1, speed_kmh=40)
_PARKING_BOTH = CrossSection(1, 1, speed_kmh=30, parking_right=True, parking_left=True)
_PARKING_RIGHT = CrossSection(1, 1, speed_kmh=30, parking_right=True)
_LANE = CrossSection(1, 1, speed_kmh=30)
_LANE_PARKING = CrossSection(1, 1, speed_kmh=30, parking_left=True)

_SIGNALS, _STOP, _YIELD = RightOfWay.SIGNALS, RightOfWay.STOP, RightOfWay.YIELD

ALDER = TownPlan(
    "alder",
    junctions=(
        Junction(
            "westgate",
            -207,
            5,
            0.0,
            _SIGNALS,
            crosswalks=("avenue west", "mill road", "wall street south"),
        ),
        Junction(
            "fountain",
            -76,
            0,
            0.0,
            _SIGNALS,
            crosswalks=("avenue west", "avenue middle", "tanner street", "lime street north"),
        ),
        Junction(
            "market",
            66,
            15,
            0.5,
            _SIGNALS,
            crosswalks=("avenue middle", "avenue east", "baker street", "castle hill north"),
        ),
        Junction(
            "eastgate",
            204,
            11,
            2.0,
            _SIGNALS,
            crosswalks=("avenue east", "river road", "wall street east"),
        ),
        Junction("mill", -199, 98, 0.0, _YIELD, minor=("weaver street west",)),
        Junction(
            "weaver",
            -83,
            89,
            0.0,
            _STOP,
            minor=("tanner street", "chapel street"),
            crosswalks=("weaver street west", "weaver street middle", "chapel street"),
        ),
        Junction(
            "school",
            57,
            102,
            0.5,
            _STOP,
            minor=("weaver street middle", "weaver street east"),
            crosswalks=("baker street", "school street", "weaver street east"),
        ),
        Junction("ferry", 199, 93, 1.0, _STOP, minor=("weaver street east",)),
        Junction("chapel", -74, 172, 0.0, _YIELD, minor=("chapel street",)),
        Junction("north", 64, 180, 0.5, _STOP, minor=("school street",)),
        Junction(
            "orchard",
            -73,
            -72,
            0.5,
            _YIELD,
            minor=("orchard street west",),
            crosswalks=("lime street north",),
        ),
        Junction(
            "well",
            72,
            -68,
            3.0,
            _STOP,
            minor=("orchard street west", "orchard street east"),
            crosswalks=("castle hill north", "orchard street east"),
        ),
        Junction("vineyard", 207, -64, 2.5, _STOP, minor=("orchard street east",)),
        Junction("lime", -70, -160, 1.5, _YIELD, minor=("lime street south",)),
        Junction(
            "castle",
            78,
            -174,
            7.5,
            _SIGNALS,
            crosswalks=("castle hill south", "ridge road"),
        ),
    ),
    streets=(
        Street("avenue west", "westgate", "fountain", _AVENUE),
        Street(
            "avenue middle",
            "fountain",
            "market",
            _AVENUE,
            corners=(Corner(-26, 0, 120), Corner(21, 15, 120)),
        ),
        Street("avenue east", "market", "eastgate", _AVENUE),
        Street("mill road", "westgate", "mill", _COLLECTOR),
        Street(
            "wall street north",
            "mill",
            "chapel",
            _COLLECTOR,
            corners=(Corner(-193, 167, 22),),
        ),
        Street("north street", "chapel", "north", _PARKING_BOTH, crosswalks=(0.5,)),
        Street(
            "ferry road",
            "north",
            "ferry",
            _COLLECTOR,
            corners=(Corner(201, 189, 18),),
        ),
        Street("river road", "ferry", "eastgate", _COLLECTOR),
        Street("wall street east", "eastgate", "vineyard", _COLLECTOR),
        Street(
            "vineyard road",
            "vineyard",
            "castle",
            _COLLECTOR,
            corners=(Corner(209, -132, 30), Corner(142, -174, 60)),
        ),
        Street(
            "ridge road",
            "castle",
            "lime",
            _PARKING_RIGHT,
            corners=(Corner(32, -176, 25), Corner(4, -146, 25), Corner(-34, -160, 60)),
        ),
        Street(
            "wall street south",
            "lime",
            "westgate",
            _COLLECTOR,
            corners=(Corner(-208, -158, 26),),
        ),
        Street("weaver street west", "mill", "weaver", _PARKING_RIGHT),
        Street("weaver street middle", "weaver", "school", _PARKING_BOTH, crosswalks=(0.5,)),
        Street(
            "weaver street east",
            "school",
            "ferry",
            _LANE,
            corners=(Corner(102, 106, 30), Corner(125, 78, 20), Corner(155, 93, 30)),
        ),
        Street("tanner street", "fountain", "weaver", _STREET),
        Street("chapel street", "weaver", "chapel", _LANE),
        Street("baker street", "market", "school", _PARKING_RIGHT),
        Street("school street", "school", "north", _LANE),
        Street("lime street north", "fountain", "orchard", _STREET),
        Street("lime street south", "orchard", "lime", _PARKING_BOTH),
        Street(
            "orchard street west",
            "orchard",
            "well",
            _LANE_PARKING,
            corners=(Corner(-22, -76, 18), Corner(2, -108, 16), Corner(32, -66, 18)),
        ),
        Street("orchard street east", "well", "vineyard", _PARKING_BOTH, crosswalks=(0.55,)),
        Street("castle hill north", "market", "well", _STREET),
        Street("castle hill south", "well", "castle", _LANE, corners=(Corner(64, -124, 60),)),
    ),
)
