"""Second Look in the browser: `python app.py`, here or on a Hugging Face Space."""

from core.support.commands import stop_in_a_sentence

if __name__ == "__main__":
    stop_in_a_sentence()
    from dashboard.__main__ import main  # here: it takes seconds, in which Ctrl-C may be typed

    main()
