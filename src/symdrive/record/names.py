"""Names of the files in a run folder; light, for those who only look for runs."""

RUN_FILE, RESULT_FILE = "run.json", "result.json"
ROUTE_FILE, TICKS_FILE = "route.arrow", "ticks.arrow"
ACTORS_FILE, FRAMES_FILE = "actors.arrow", "frames.arrow"
