"""Which handler answers which path."""

from __future__ import annotations

from hintsync_emulators.salesforce.responses import appearance_urls, oauth_urls
from hintsync_emulators.salesforce.web.router import Late, Route, late

_DATA = "/services/data/vXX.X"
_ROWS = f"{_DATA}/sobjects"
_COLLECTIONS = f"{_DATA}/composite/sobjects"
_INGEST = f"{_DATA}/jobs/ingest"
_QUERY_JOBS = f"{_DATA}/jobs/query"
_DEPLOY = f"{_DATA}/metadata/deployRequest"


def _outside(method: str, path: str, handler: Late, kind: str) -> Route:
    return Route(method, path, handler, kind, guarded=False, counted=False)


#: Literal segments come before placeholders of the same length.
ROUTES = (
    *oauth_urls.ROUTES,
    _outside("GET", "/services/data", late("resources.versions"), "versions"),
    _outside("POST", "/services/Soap/m/{version}", late("soap.metadata"), "metadata.soap"),
    _outside("POST", "/services/Soap/m/{version}/{org}", late("soap.metadata"), "metadata.soap"),
    # simple-salesforce puts the id of the job it asks about behind the address
    _outside("POST", "/services/Soap/m/{version}/deployRequest/{id}", late("soap.metadata"), "metadata.soap"),
    _outside("GET", "/_emulator/canvas", late("canvas.simulate"), "canvas.simulate"),
    Route("GET", _DATA, late("resources.listing"), "resources"),
    Route("GET", f"{_DATA}/limits", late("resources.limits"), "limits"),
    Route("GET", _ROWS, late("resources.describe_global"), "describe.global"),
    Route("GET", f"{_ROWS}/{{object}}/describe", late("resources.describe"), "describe"),
    Route("GET", f"{_ROWS}/User/{{id}}/password", late("passwords.expired"), "user.password"),
    Route("POST", f"{_ROWS}/User/{{id}}/password", late("passwords.change"), "user.password"),
    Route("DELETE", f"{_ROWS}/User/{{id}}/password", late("passwords.reset"), "user.password"),
    Route("GET", f"{_ROWS}/{{object}}/updated", late("replication.updated"), "replication.updated"),
    Route("GET", f"{_ROWS}/{{object}}/deleted", late("replication.deleted"), "replication.deleted"),
    *appearance_urls.OF_OBJECTS,
    Route("GET", f"{_ROWS}/{{object}}", late("resources.basics"), "describe.basics"),
    Route("POST", f"{_ROWS}/{{object}}", late("sobjects.create"), "sobjects.create"),
    Route("POST", f"{_ROWS}/{{object}}/Id", late("sobjects.create"), "sobjects.create"),
    Route("GET", f"{_ROWS}/{{object}}/{{id}}", late("sobjects.read"), "sobjects.read"),
    Route("PATCH", f"{_ROWS}/{{object}}/{{id}}", late("sobjects.update"), "sobjects.update"),
    Route("DELETE", f"{_ROWS}/{{object}}/{{id}}", late("sobjects.delete"), "sobjects.delete"),
    Route("GET", f"{_ROWS}/{{object}}/{{field}}/{{value}}", late("sobjects.read_by_key"), "sobjects.read"),
    Route("PATCH", f"{_ROWS}/{{object}}/{{field}}/{{value}}", late("sobjects.upsert"), "sobjects.upsert"),
    Route("DELETE", f"{_ROWS}/{{object}}/{{field}}/{{value}}", late("sobjects.delete_by_key"), "sobjects.delete"),
    Route(
        "GET", f"{_DATA}/tooling/sobjects/SourceMember/describe", late("resources.source_tracking"), "tooling.describe"
    ),
    Route("GET", f"{_DATA}/tooling/query", late("tooling.query"), "tooling.query"),
    *appearance_urls.OF_ORG,
    Route("GET", f"{_DATA}/query", late("query.query"), "query"),
    Route("GET", f"{_DATA}/query/{{locator}}", late("query.more"), "queryMore"),
    Route("GET", f"{_DATA}/queryAll", late("query.query_all"), "query"),
    Route("GET", f"{_DATA}/queryAll/{{locator}}", late("query.more"), "queryMore"),
    Route("GET", f"{_DATA}/search", late("search.search"), "search"),
    Route("GET", f"{_DATA}/parameterizedSearch", late("search.by_parameters"), "search"),
    Route("POST", f"{_DATA}/parameterizedSearch", late("search.by_parameters"), "search"),
    Route("GET", f"{_DATA}/composite", late("composite.listing"), "composite.list"),
    Route("POST", f"{_DATA}/composite", late("composite.composite"), "composite"),
    Route("POST", f"{_DATA}/composite/graph", late("graph.graphs"), "composite.graph"),
    Route("POST", f"{_DATA}/composite/batch", late("batch.batch"), "composite.batch"),
    Route("POST", f"{_DATA}/composite/tree/{{object}}", late("trees.create"), "composite.tree"),
    Route("POST", _COLLECTIONS, late("collections.create"), "collections.create"),
    Route("PATCH", _COLLECTIONS, late("collections.update"), "collections.update"),
    Route("DELETE", _COLLECTIONS, late("collections.delete"), "collections.delete"),
    Route("GET", f"{_COLLECTIONS}/{{object}}", late("collections.retrieve"), "collections.retrieve"),
    Route("POST", f"{_COLLECTIONS}/{{object}}", late("collections.retrieve"), "collections.retrieve"),
    Route("PATCH", f"{_COLLECTIONS}/{{object}}/{{field}}", late("collections.upsert"), "collections.upsert"),
    Route("POST", _INGEST, late("ingest.create"), "bulk.ingest.create"),
    Route("GET", _INGEST, late("ingest.listing"), "bulk.ingest.list"),
    Route("GET", f"{_INGEST}/{{job}}", late("ingest.read"), "bulk.ingest.read"),
    Route("PATCH", f"{_INGEST}/{{job}}", late("ingest.change"), "bulk.ingest.change"),
    Route("DELETE", f"{_INGEST}/{{job}}", late("ingest.delete"), "bulk.ingest.delete"),
    Route("PUT", f"{_INGEST}/{{job}}/batches", late("ingest.upload"), "bulk.ingest.upload"),
    Route("GET", f"{_INGEST}/{{job}}/{{which}}", late("ingest.results"), "bulk.ingest.results"),
    Route("POST", _QUERY_JOBS, late("queryjobs.create"), "bulk.query.create"),
    Route("GET", _QUERY_JOBS, late("queryjobs.listing"), "bulk.query.list"),
    Route("GET", f"{_QUERY_JOBS}/{{job}}", late("queryjobs.read"), "bulk.query.read"),
    Route("PATCH", f"{_QUERY_JOBS}/{{job}}", late("queryjobs.change"), "bulk.query.change"),
    Route("DELETE", f"{_QUERY_JOBS}/{{job}}", late("queryjobs.delete"), "bulk.query.delete"),
    Route("GET", f"{_QUERY_JOBS}/{{job}}/results", late("queryjobs.results"), "bulk.query.results"),
    Route("GET", f"{_QUERY_JOBS}/{{job}}/resultPages", late("queryjobs.pages"), "bulk.query.pages"),
    Route("POST", _DEPLOY, late("deploy.start"), "deploy.start"),
    Route("GET", f"{_DEPLOY}/{{deploy}}", late("deploy.status"), "deploy.status"),
    Route("PATCH", f"{_DEPLOY}/{{deploy}}", late("deploy.cancel"), "deploy.cancel"),
)
