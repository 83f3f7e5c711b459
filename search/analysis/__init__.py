"""What every engine shares: how texts and queries become terms."""
