"""What every adapter promises, as checks that its author can run; `stage` and `suite` are for authors."""
