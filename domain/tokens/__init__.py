"""How large a request is in tokens, whoever counts its words."""
