"""What a training needs to go on after its process has died: all of its state, in files that are whole or not there."""
