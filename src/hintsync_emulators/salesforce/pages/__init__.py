"""The org's own pages, for people with a browser: lists, records, reports, tabs and setup, at Lightning's addresses."""
