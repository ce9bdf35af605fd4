"""Runs of any kind as rows: started, ordered, worked by whoever is free, gone on with after a death."""
