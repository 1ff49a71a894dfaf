"""The back-test: a history judged by a rulebook, beside another one or what was decided then."""
