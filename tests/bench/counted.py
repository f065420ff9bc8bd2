"""The instructions of user space that a message and a connection cost, next to the floor's."""

import instructions as counting
from processes import Failure
from rounds import Plan, Variant

STARTERS = {"chatgate": counting.gateway, "floor": counting.floor}


def instructions(bench):
    def of(start):
        def measure():
            try:
                with start(bench.programs.parent) as server:
                    return {**counting.measure(server), "errors": 0, "refused": 0}
            except RuntimeError as error:
                raise Failure(str(error)) from error
        return measure

    # Callgrind counts the same every time.
    return Plan("instructions", [Variant(name, 30, of(start)) for name, start in STARTERS.items()],
                rounds=1)
