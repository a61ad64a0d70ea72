"""What tests stand on; nothing here is about one feature."""
