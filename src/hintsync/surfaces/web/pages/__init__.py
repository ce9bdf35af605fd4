"""The pages people work in. A page is a `Place`: an address, the role it needs, and a function from `Visit` to an answer."""
