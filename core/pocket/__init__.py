"""The bundled VLM ("pocket"): the scenes of signs it is trained and tested on, and its training."""
