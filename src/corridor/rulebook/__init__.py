"""What the service decides by: rules, norms, participants, model, lists, thresholds."""
