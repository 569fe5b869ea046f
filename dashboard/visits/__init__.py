"""What one visitor has: what they have set, have asked, and how far a lesson has come."""
