"""The `coderouter` command, one subcommand a module."""
