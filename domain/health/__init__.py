"""How providers have done of late, and what follows from it: who is left alone, and who is tried later."""
