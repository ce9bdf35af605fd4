"""Which handler answers which path below how the org looks and what users looked at."""

from __future__ import annotations

from hintsync_emulators.salesforce.responses import appearance, list_views, quick_actions, recent
from hintsync_emulators.salesforce.web.router import Route

_DATA = "/services/data/vXX.X"
_OBJECT = f"{_DATA}/sobjects/{{object}}"


def _actions(base: str) -> tuple[Route, ...]:
    one = f"{base}/quickActions/{{action}}"
    return (
        Route("GET", f"{base}/quickActions", quick_actions.listing, "actions.list"),
        Route("GET", one, quick_actions.read, "actions.read"),
        Route("POST", one, quick_actions.perform, "actions.perform"),
        Route("GET", f"{one}/describe", quick_actions.describe, "actions.describe"),
        Route("GET", f"{one}/defaultValues", quick_actions.defaults, "actions.defaults"),
        Route("GET", f"{one}/defaultValues/{{id}}", quick_actions.defaults, "actions.defaults"),
    )


#: Literal segments come before placeholders of the same length.
OF_OBJECTS = (
    Route("GET", f"{_OBJECT}/describe/layouts", appearance.layouts, "layouts"),
    Route("GET", f"{_OBJECT}/describe/layouts/{{id}}", appearance.layout_of_record_type, "layouts"),
    Route("GET", f"{_OBJECT}/describe/namedLayouts/{{name}}", appearance.named_layouts, "layouts"),
    Route("GET", f"{_OBJECT}/describe/compactLayouts", appearance.compact_layouts, "layouts.compact"),
    Route("GET", f"{_OBJECT}/describe/compactLayouts/{{id}}", appearance.compact_layout, "layouts.compact"),
    Route("GET", f"{_OBJECT}/describe/approvalLayouts", appearance.approval_layouts, "layouts.approval"),
    Route("GET", f"{_OBJECT}/listviews", list_views.listing, "listviews.list"),
    Route("GET", f"{_OBJECT}/listviews/recent", list_views.recent, "listviews.list"),
    Route("GET", f"{_OBJECT}/listviews/{{id}}", list_views.read, "listviews.read"),
    Route("GET", f"{_OBJECT}/listviews/{{id}}/describe", list_views.describe, "listviews.describe"),
    Route("GET", f"{_OBJECT}/listviews/{{id}}/results", list_views.results, "listviews.results"),
    *_actions(_OBJECT),
)
OF_ORG = (
    Route("GET", f"{_DATA}/recent", recent.recent, "recent"),
    Route("GET", f"{_DATA}/tabs", appearance.all_tabs, "tabs"),
    Route("GET", f"{_DATA}/theme", appearance.theme, "theme"),
    *_actions(_DATA),
)
