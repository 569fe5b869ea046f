"""Second Look in the browser: `python app.py`, here or on a Hugging Face Space."""

from dashboard.__main__ import main

if __name__ == "__main__":
    main()
