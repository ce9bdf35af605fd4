"""How quick the pages are, how quick the search is, what a page weighs."""
