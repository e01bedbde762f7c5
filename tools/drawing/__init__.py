"""What the pictures of the documents are drawn with: the sections of the chapter, and the kinds of verdicts."""
