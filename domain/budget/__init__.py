"""What answers cost, who pays for them, and how much of it is allowed."""
