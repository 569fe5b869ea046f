"""Pictures and questions as a stranger would bring them: `python -m tools.strangers`.

The other test pictures are drawn by the code that draws the training pictures. These aren't:
nothing here reads or imports `core.signs`, and layouts, words and questions were made without
asking the model anything. Each picture stands in a table beside its questions: `papers`, `streets`,
`indoors`, `shops`, `distant` (small writing in a large picture), `things` (little or no writing).
`second` has another stranger's, in the same way.
"""
