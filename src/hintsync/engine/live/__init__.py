"""Live sync: dirty records claimed in groups and brought into step."""
