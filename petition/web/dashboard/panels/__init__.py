"""Panels of the first screen: one file each, with its title, its template and what it shows.

Guards that a panel asks a fixed number of queries, whatever it shows: a test compares one row with three. A new panel is
a file, a template in templates/dashboard/panels, and one line here. Figures first, chart second, tables third.
"""

from __future__ import annotations

from typing import Final

from petition.web.dashboard.panels import bounces, chart, codes, count, dead, health, milestone, passes, queue, readers
from petition.web.dashboard.panels.panel import Panel

__all__ = ["PANELS", "Panel"]

PANELS: Final[tuple[Panel, ...]] = (
    queue.PANEL,
    count.PANEL,
    milestone.PANEL,
    passes.PANEL,
    readers.PANEL,
    chart.PANEL,
    codes.PANEL,
    bounces.PANEL,
    dead.PANEL,
    health.PANEL,
)
