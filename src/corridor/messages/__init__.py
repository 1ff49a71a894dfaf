"""What travels on the topics: bytes to columns and columns to bytes."""
