"""What is drawn of a transcript, as HTML and pictures; both tabs take it from here."""
