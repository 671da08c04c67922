"""The decisions, as pure functions: no clock, no network, no files. `now` is an argument."""
