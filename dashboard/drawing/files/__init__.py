"""What can be taken away as a file: transcripts, figures and tables."""
