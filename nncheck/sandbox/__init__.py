"""The sandbox: other people's code behind walls that were tested before anything ran in them."""
