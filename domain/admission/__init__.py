"""Who may begin now: the order before a busy provider, and how much a member or a free plan lets through."""
