"""What a customer wants, how they feel and how soon they need it: small, local, and able to say why."""
