"""Recording a run: every question of a data set asked both ways, once."""
