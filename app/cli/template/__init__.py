"""What `coderouter adapter new` writes: modules that work as they are, to be changed by their author."""
