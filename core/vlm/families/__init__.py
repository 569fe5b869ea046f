"""The families of models: one file each, a thin adapter to `core.vlm.adapter`."""
