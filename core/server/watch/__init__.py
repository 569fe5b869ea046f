"""What the server watches: its own work, and whether a certificate's world has shifted."""
