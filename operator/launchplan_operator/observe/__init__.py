"""What operators of the operator look at: logs and health."""
