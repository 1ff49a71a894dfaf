"""Publication: rulebooks signed by two persons, kept where every worker finds them, and the log of who did what."""
