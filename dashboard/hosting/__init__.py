"""What the page runs on: the model that answers, its GPU, room for originals, edges at the door."""
