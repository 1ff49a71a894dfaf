"""`corridor exporter`: what the centre's people see, as metrics for Prometheus."""
