"""Cedar, a city: a grid of signalled avenues with up to three lanes each way."""

from towns.plan import Corner, CrossSection, Junction, RightOfWay, Street, TownPlan

_GRAND = CrossSection(3, 3, lane_m=3.5, speed_kmh=60, edge_line=True)
_AVENUE = CrossSection(2, 2, lane_m=3.5, speed_kmh=50, edge_line=True)
_STREET = CrossSection(1, 1, lane_m=3.5, speed_kmh=40, parking_right=True, parking_left=True)

_SIGNALS, _STOP = RightOfWay.SIGNALS, RightOfWay.STOP

_ROWS = {"north": 128, "middle": 0, "south": -126}
_COLUMNS = {"first": -196, "second": -66, "third": 68, "fourth": 198}


def _at(column: str, row: str, crosswalks: tuple[str, ...]) -> Junction:
    """A signalled crossing of the grid."""
    x, y = _COLUMNS[column], _ROWS[row]
    return Junction(f"{column} {row}", x, y, 0.0, _SIGNALS, crosswalks=crosswalks)


CEDAR = TownPlan(
    "cedar",
    junctions=(
        _at("second", "north", ("north street", "second avenue north", "park bend")),
        _at("third", "north", ("north street", "third avenue north")),
        Junction("first middle", -196, 0, 0.0, _STOP, minor=("grand west",)),
        _at(
            "second", "middle",
            ("grand west", "grand middle", "second avenue north", "second avenue south"),
        ),
        _at(
            "third", "middle",
            ("grand middle", "grand east", "third avenue north", "third avenue south"),
        ),
        _at("fourth", "middle", ("grand east", "harbour bend", "station bend")),
        Junction(
            "second south", -66, -126, 0.0, _STOP, minor=("second avenue south",),
            crosswalks=("second avenue south",),
        ),
        _at("third", "south", ("south street", "third avenue south", "harbour bend")),
    ),
    streets=(
        Street("grand west", "first middle", "second middle", _AVENUE),
        Street("grand middle", "second middle", "third middle", _GRAND),
        Street("grand east", "third middle", "fourth middle", _GRAND),
        Street("second avenue north", "second north", "second middle", _AVENUE),
        Street("second avenue south", "second middle", "second south", _AVENUE),
        Street("third avenue north", "third north", "third middle", _GRAND),
        Street("third avenue south", "third middle", "third south", _GRAND),
        Street("north street", "second north", "third north", _AVENUE),
        Street("south street", "second south", "third south", _STREET, crosswalks=(0.5,)),
        Street(
            "park bend", "second north", "first middle", _STREET, corners=(Corner(-196, 128, 22),)
        ),
        Street(
            "mill bend", "first middle", "second south", _STREET,
            corners=(Corner(-196, -126, 22),),
        ),
        Street(
            "station bend", "third north", "fourth middle", _AVENUE,
            corners=(Corner(198, 128, 28),),
        ),
        Street(
            "harbour bend", "fourth middle", "third south", _AVENUE,
            corners=(Corner(198, -126, 28),),
        ),
    ),
)  # fmt: skip
