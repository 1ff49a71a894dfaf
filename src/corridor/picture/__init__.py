"""What the picture of the day holds, its norms and its detector."""
