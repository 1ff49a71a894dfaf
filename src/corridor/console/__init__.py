"""The monitoring centre's side: the live page and the Prometheus exporter, from topics or from a run's files."""
