"""One module for each part of the API: parse the request, ask the org, shape the answer."""
