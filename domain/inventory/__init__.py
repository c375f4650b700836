"""The parts of the event inventory that have a module of their own."""
