"""Reports that were deployed, run over the org's rows: columns, filters, order, export."""
