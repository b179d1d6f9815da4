"""Which pictures there are of the pages: a module for each page, `listing` joins them."""
