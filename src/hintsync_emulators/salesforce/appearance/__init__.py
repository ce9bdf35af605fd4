"""How the org looks to its users, as the REST API describes it: layouts, list views, actions, tabs and icons."""
