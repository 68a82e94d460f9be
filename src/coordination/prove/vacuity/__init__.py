"""What holds and says nothing: steps that `never` happen, and `premises` that never matter."""
