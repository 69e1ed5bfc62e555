"""The panels of the overview page. Each has its own file with its title, its template and its figures.

A panel needs a fixed number of queries, whatever it shows: a test compares one row with three. A new panel needs a
file, a template in templates/dashboard/panels, and one line here. Figures come first, the chart second, tables third.
"""

from __future__ import annotations

from typing import Final

from petition.web.dashboard.panels import (
    bounces,
    chart,
    codes,
    count,
    health,
    milestone,
    passes,
    queue,
    subscribers,
    undelivered,
)
from petition.web.dashboard.panels.panel import Panel

__all__ = ["PANELS", "Panel"]

PANELS: Final[tuple[Panel, ...]] = (
    queue.PANEL,
    count.PANEL,
    milestone.PANEL,
    passes.PANEL,
    subscribers.PANEL,
    chart.PANEL,
    codes.PANEL,
    bounces.PANEL,
    undelivered.PANEL,
    health.PANEL,
)
