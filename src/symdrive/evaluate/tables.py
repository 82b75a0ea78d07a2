"""Every driver by name. Add a line here, or an entry point in a package of your own."""

from symdrive.core.registry import Registry
from symdrive.world.driver import Oracle, Policy

POLICIES: Registry[Policy] = Registry(
    Policy,
    {
        "student": "symdrive.agent.student:Student",
        "guarded_student": "symdrive.agent.student:GuardedStudent",
        "still": "symdrive.agent.still:StandStill",
    },
)
"""Drivers that see sensors only."""

ORACLES: Registry[Oracle] = Registry(
    Oracle,
    {
        "expert": "symdrive.expert.expert:RuleExpert",
        "blind": "symdrive.expert.baselines:BlindRoute",
    },
)
"""Drivers that are handed what alignment leaves of the truth."""
