"""What keeps a long run of an agent from going wrong."""
