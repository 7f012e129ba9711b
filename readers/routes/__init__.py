"""What stands at which address, a module per subject."""
