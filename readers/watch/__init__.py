"""What watches decisions: looks at results again and again, and tells a webhook when one has changed for good."""
