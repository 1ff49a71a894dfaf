"""Kafka as Corridor uses it: jars, a local broker, topics, client settings, replaying and reading."""
