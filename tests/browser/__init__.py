"""The whole product as people use it: a real browser, both emulators and `hintsync serve` as processes of their own."""
