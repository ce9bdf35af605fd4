"""Which handler answers which path below how the org looks and what users looked at."""

from __future__ import annotations

from hintsync_emulators.salesforce.web.router import Route, late

_DATA = "/services/data/vXX.X"
_OBJECT = f"{_DATA}/sobjects/{{object}}"


def _actions(base: str) -> tuple[Route, ...]:
    one = f"{base}/quickActions/{{action}}"
    return (
        Route("GET", f"{base}/quickActions", late("quick_actions.listing"), "actions.list"),
        Route("GET", one, late("quick_actions.read"), "actions.read"),
        Route("POST", one, late("quick_actions.perform"), "actions.perform"),
        Route("GET", f"{one}/describe", late("quick_actions.describe"), "actions.describe"),
        Route("GET", f"{one}/defaultValues", late("quick_actions.defaults"), "actions.defaults"),
        Route("GET", f"{one}/defaultValues/{{id}}", late("quick_actions.defaults"), "actions.defaults"),
    )


#: Literal segments come before placeholders of the same length.
OF_OBJECTS = (
    Route("GET", f"{_OBJECT}/describe/layouts", late("appearance.layouts"), "layouts"),
    Route("GET", f"{_OBJECT}/describe/layouts/{{id}}", late("appearance.layout_of_record_type"), "layouts"),
    Route("GET", f"{_OBJECT}/describe/namedLayouts/{{name}}", late("appearance.named_layouts"), "layouts"),
    Route("GET", f"{_OBJECT}/describe/compactLayouts", late("appearance.compact_layouts"), "layouts.compact"),
    Route("GET", f"{_OBJECT}/describe/compactLayouts/{{id}}", late("appearance.compact_layout"), "layouts.compact"),
    Route("GET", f"{_OBJECT}/describe/approvalLayouts", late("appearance.approval_layouts"), "layouts.approval"),
    Route("GET", f"{_OBJECT}/listviews", late("list_views.listing"), "listviews.list"),
    Route("GET", f"{_OBJECT}/listviews/recent", late("list_views.recent"), "listviews.list"),
    Route("GET", f"{_OBJECT}/listviews/{{id}}", late("list_views.read"), "listviews.read"),
    Route("GET", f"{_OBJECT}/listviews/{{id}}/describe", late("list_views.describe"), "listviews.describe"),
    Route("GET", f"{_OBJECT}/listviews/{{id}}/results", late("list_views.results"), "listviews.results"),
    *_actions(_OBJECT),
)
OF_ORG = (
    Route("GET", f"{_DATA}/recent", late("recent.recent"), "recent"),
    Route("GET", f"{_DATA}/tabs", late("appearance.all_tabs"), "tabs"),
    Route("GET", f"{_DATA}/theme", late("appearance.theme"), "theme"),
    *_actions(_DATA),
)
