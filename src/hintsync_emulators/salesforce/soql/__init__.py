"""SOQL: text to tree (`parse`), tree to SQL (`compile`), rows to records (`shape`)."""
