"""What is asked and what is said, in words that belong to no wire dialect."""
