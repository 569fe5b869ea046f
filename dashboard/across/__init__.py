"""What goes across the tabs: η, the address, and the language."""
