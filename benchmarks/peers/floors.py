"""The floors of the peers benchmark, each a ratio taken within a round and judged by its median.

The gap between all on and all off is held to 14 us on a machine where nginx takes 10 us, which is 1.4 times nginx's own
time on any machine: a slower or busier one stretches both alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.stats import Spread, ratio, within_rounds

ALL_ON, ALL_OFF, NGINX, ENVOY = "tidegate", "tidegate off", "nginx", "envoy"

MOST_OF_ENVOY = 0.8
AIM_OF_ENVOY = 0.5
MOST_OF_NGINX = 3.2
MOST_OF_CONTROLS = 1.4


@dataclass(frozen=True)
class Floor:
    """A demand: the median of `value` is at most `most`; None when it could not be measured. `aim` is the wish."""

    name: str
    most: float
    value: Spread | None
    aim: float | None = None

    @property
    def held(self) -> bool:
        """Whether it was measured and is kept."""
        return self.value is not None and self.value.median <= self.most


def floors(cpu_us: Mapping[str, Sequence[float | None]]) -> list[Floor]:
    """The floors whose peers took part in the run: CPU microseconds a request by peer and round (None: failed)."""
    found = []
    if cpu_us.keys() >= {ALL_ON, ENVOY}:
        found.append(Floor("all on / Envoy", MOST_OF_ENVOY, ratio(cpu_us[ALL_ON], cpu_us[ENVOY]), AIM_OF_ENVOY))
    if cpu_us.keys() >= {ALL_ON, NGINX}:
        found.append(Floor("all on / nginx", MOST_OF_NGINX, ratio(cpu_us[ALL_ON], cpu_us[NGINX])))
    if cpu_us.keys() >= {ALL_ON, ALL_OFF, NGINX}:
        gap = within_rounds(lambda on, off, unit: (on - off) / unit, cpu_us[ALL_ON], cpu_us[ALL_OFF], cpu_us[NGINX])
        found.append(Floor("(all on - all off) / nginx", MOST_OF_CONTROLS, gap))
    return found
