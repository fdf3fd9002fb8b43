"""What is wrong with a pair, in words: events and captions, who writes them, and the numbers they become."""
