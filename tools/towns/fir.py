"""Fir, an old quarter: narrow, bent streets lined with parked cars, and few signs."""

from towns.plan import Corner, CrossSection, Junction, RightOfWay, Street, TownPlan

_NARROW = CrossSection(1, 1, lane_m=2.75, speed_kmh=30, parking_right=True, parking_left=True)
_NARROW_RIGHT = CrossSection(1, 1, lane_m=2.75, speed_kmh=30, parking_right=True)
_ALLEY = CrossSection(1, 1, lane_m=2.75, speed_kmh=20)

_SIGNALS, _STOP, _YIELD = RightOfWay.SIGNALS, RightOfWay.STOP, RightOfWay.YIELD
_KERB_M = 5.0

FIR = TownPlan(
    "fir",
    junctions=(
        Junction("gate", -52, 104, 1.0, _YIELD, minor=("rope walk",), kerb_radius_m=_KERB_M),
        Junction("tower", 48, 98, 3.0, _STOP, minor=("tower lane",), kerb_radius_m=_KERB_M),
        Junction("quay", -146, 4, 0.0, _YIELD, minor=("fish street",), kerb_radius_m=_KERB_M),
        Junction(
            "scales", -44, -4, 0.5, _STOP, minor=("rope walk", "salt lane"),
            kerb_radius_m=_KERB_M, crosswalks=("fish street", "bread street"),
        ),
        Junction(
            "hall", 52, 6, 1.5, _SIGNALS, kerb_radius_m=_KERB_M,
            crosswalks=("bread street", "tower lane", "wine street"),
        ),
        Junction("mint", 146, -6, 2.0, _STOP, minor=("wine street",), kerb_radius_m=_KERB_M),
        Junction("mill", -50, -102, 0.0, _YIELD, minor=("salt lane",), kerb_radius_m=_KERB_M),
        Junction("abbey", 44, -108, 0.5, _STOP, minor=("abbey lane",), kerb_radius_m=_KERB_M),
    ),
    streets=(
        Street("fish street", "quay", "scales", _NARROW),
        Street("bread street", "scales", "hall", _NARROW, crosswalks=(0.5,)),
        Street("wine street", "hall", "mint", _NARROW),
        Street("rope walk", "gate", "scales", _NARROW_RIGHT),
        Street("salt lane", "scales", "mill", _NARROW_RIGHT),
        Street("tower lane", "tower", "hall", _NARROW_RIGHT),
        Street("abbey lane", "hall", "abbey", _ALLEY, corners=(Corner(40, -50, 30),)),
        Street("wall street", "gate", "tower", _NARROW, corners=(Corner(0, 112, 40),)),
        Street("river street", "mill", "abbey", _NARROW, corners=(Corner(-4, -114, 40),)),
        Street("quay north", "gate", "quay", _NARROW, corners=(Corner(-142, 98, 36),)),
        Street("quay south", "quay", "mill", _NARROW_RIGHT, corners=(Corner(-148, -98, 36),)),
        Street("mint north", "tower", "mint", _NARROW, corners=(Corner(142, 104, 36),)),
        Street("mint south", "mint", "abbey", _NARROW_RIGHT, corners=(Corner(148, -104, 36),)),
    ),
)  # fmt: skip
