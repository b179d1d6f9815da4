"""The builtin register filled with an invented hospital, for demonstrations and tests."""
