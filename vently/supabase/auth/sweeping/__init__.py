"""What sign-in no longer needs is thrown out."""
