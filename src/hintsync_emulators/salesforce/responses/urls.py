"""Which handler answers which path."""

from __future__ import annotations

from hintsync_emulators.salesforce.responses import (
    appearance_urls,
    batch,
    collections,
    composite,
    deploy,
    graph,
    ingest,
    oauth_urls,
    passwords,
    query,
    queryjobs,
    replication,
    resources,
    search,
    soap,
    sobjects,
    trees,
)
from hintsync_emulators.salesforce.web.router import Route

_DATA = "/services/data/vXX.X"
_ROWS = f"{_DATA}/sobjects"
_COLLECTIONS = f"{_DATA}/composite/sobjects"
_INGEST = f"{_DATA}/jobs/ingest"
_QUERY_JOBS = f"{_DATA}/jobs/query"
_DEPLOY = f"{_DATA}/metadata/deployRequest"


def _outside(method: str, path: str, handler: object, kind: str) -> Route:
    return Route(method, path, handler, kind, guarded=False, counted=False)  # type: ignore[arg-type]


#: Literal segments come before placeholders of the same length.
ROUTES = (
    *oauth_urls.ROUTES,
    _outside("GET", "/services/data", resources.versions, "versions"),
    _outside("POST", "/services/Soap/m/{version}", soap.metadata, "metadata.soap"),
    _outside("POST", "/services/Soap/m/{version}/{org}", soap.metadata, "metadata.soap"),
    # simple-salesforce puts the id of the job it asks about behind the address
    _outside("POST", "/services/Soap/m/{version}/deployRequest/{id}", soap.metadata, "metadata.soap"),
    Route("GET", _DATA, resources.listing, "resources"),
    Route("GET", f"{_DATA}/limits", resources.limits, "limits"),
    Route("GET", _ROWS, resources.describe_global, "describe.global"),
    Route("GET", f"{_ROWS}/{{object}}/describe", resources.describe, "describe"),
    Route("GET", f"{_ROWS}/User/{{id}}/password", passwords.expired, "user.password"),
    Route("POST", f"{_ROWS}/User/{{id}}/password", passwords.change, "user.password"),
    Route("DELETE", f"{_ROWS}/User/{{id}}/password", passwords.reset, "user.password"),
    Route("GET", f"{_ROWS}/{{object}}/updated", replication.updated, "replication.updated"),
    Route("GET", f"{_ROWS}/{{object}}/deleted", replication.deleted, "replication.deleted"),
    *appearance_urls.OF_OBJECTS,
    Route("GET", f"{_ROWS}/{{object}}", resources.basics, "describe.basics"),
    Route("POST", f"{_ROWS}/{{object}}", sobjects.create, "sobjects.create"),
    Route("POST", f"{_ROWS}/{{object}}/Id", sobjects.create, "sobjects.create"),
    Route("GET", f"{_ROWS}/{{object}}/{{id}}", sobjects.read, "sobjects.read"),
    Route("PATCH", f"{_ROWS}/{{object}}/{{id}}", sobjects.update, "sobjects.update"),
    Route("DELETE", f"{_ROWS}/{{object}}/{{id}}", sobjects.delete, "sobjects.delete"),
    Route("GET", f"{_ROWS}/{{object}}/{{field}}/{{value}}", sobjects.read_by_key, "sobjects.read"),
    Route("PATCH", f"{_ROWS}/{{object}}/{{field}}/{{value}}", sobjects.upsert, "sobjects.upsert"),
    Route("DELETE", f"{_ROWS}/{{object}}/{{field}}/{{value}}", sobjects.delete_by_key, "sobjects.delete"),
    Route("GET", f"{_DATA}/tooling/sobjects/SourceMember/describe", resources.source_tracking, "tooling.describe"),
    *appearance_urls.OF_ORG,
    Route("GET", f"{_DATA}/query", query.query, "query"),
    Route("GET", f"{_DATA}/query/{{locator}}", query.more, "queryMore"),
    Route("GET", f"{_DATA}/queryAll", query.query_all, "query"),
    Route("GET", f"{_DATA}/queryAll/{{locator}}", query.more, "queryMore"),
    Route("GET", f"{_DATA}/search", search.search, "search"),
    Route("GET", f"{_DATA}/parameterizedSearch", search.by_parameters, "search"),
    Route("POST", f"{_DATA}/parameterizedSearch", search.by_parameters, "search"),
    Route("GET", f"{_DATA}/composite", composite.listing, "composite.list"),
    Route("POST", f"{_DATA}/composite", composite.composite, "composite"),
    Route("POST", f"{_DATA}/composite/graph", graph.graphs, "composite.graph"),
    Route("POST", f"{_DATA}/composite/batch", batch.batch, "composite.batch"),
    Route("POST", f"{_DATA}/composite/tree/{{object}}", trees.create, "composite.tree"),
    Route("POST", _COLLECTIONS, collections.create, "collections.create"),
    Route("PATCH", _COLLECTIONS, collections.update, "collections.update"),
    Route("DELETE", _COLLECTIONS, collections.delete, "collections.delete"),
    Route("GET", f"{_COLLECTIONS}/{{object}}", collections.retrieve, "collections.retrieve"),
    Route("POST", f"{_COLLECTIONS}/{{object}}", collections.retrieve, "collections.retrieve"),
    Route("PATCH", f"{_COLLECTIONS}/{{object}}/{{field}}", collections.upsert, "collections.upsert"),
    Route("POST", _INGEST, ingest.create, "bulk.ingest.create"),
    Route("GET", _INGEST, ingest.listing, "bulk.ingest.list"),
    Route("GET", f"{_INGEST}/{{job}}", ingest.read, "bulk.ingest.read"),
    Route("PATCH", f"{_INGEST}/{{job}}", ingest.change, "bulk.ingest.change"),
    Route("DELETE", f"{_INGEST}/{{job}}", ingest.delete, "bulk.ingest.delete"),
    Route("PUT", f"{_INGEST}/{{job}}/batches", ingest.upload, "bulk.ingest.upload"),
    Route("GET", f"{_INGEST}/{{job}}/{{which}}", ingest.results, "bulk.ingest.results"),
    Route("POST", _QUERY_JOBS, queryjobs.create, "bulk.query.create"),
    Route("GET", _QUERY_JOBS, queryjobs.listing, "bulk.query.list"),
    Route("GET", f"{_QUERY_JOBS}/{{job}}", queryjobs.read, "bulk.query.read"),
    Route("PATCH", f"{_QUERY_JOBS}/{{job}}", queryjobs.change, "bulk.query.change"),
    Route("DELETE", f"{_QUERY_JOBS}/{{job}}", queryjobs.delete, "bulk.query.delete"),
    Route("GET", f"{_QUERY_JOBS}/{{job}}/results", queryjobs.results, "bulk.query.results"),
    Route("GET", f"{_QUERY_JOBS}/{{job}}/resultPages", queryjobs.pages, "bulk.query.pages"),
    Route("POST", _DEPLOY, deploy.start, "deploy.start"),
    Route("GET", f"{_DEPLOY}/{{deploy}}", deploy.status, "deploy.status"),
    Route("PATCH", f"{_DEPLOY}/{{deploy}}", deploy.cancel, "deploy.cancel"),
)
