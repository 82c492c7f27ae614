"""Training scripts: run unmodified under observation, their variables read as the case's quantities."""
