"""The cockpit: one page that says what is wrong with a training, what cures it, and shows the curves.

The page is a pure function of one JSON document, `render(document, element)` of `static/cockpit.js`. It is shown by two
hosts: a file that needs nothing beside it, and a tab of TensorBoard.
"""
