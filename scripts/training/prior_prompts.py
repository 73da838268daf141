"""The prompts that a trained prior is looked at with: names that the drawings have, and 40 that none has."""

NAMES = ("apple", "cat", "dog", "pizza", "house", "sailboat", "guitar", "umbrella", "rose", "owl", "rocket", "key",
         "ghost", "butterfly", "hamburger", "bicycle")

UNSEEN = (
    "a blue apple", "a purple banana", "a green heart and a red heart", "a red car on a road", "a cat with a hat",
    "a dog with sunglasses", "a yellow rose", "a black cat", "a pink elephant", "a blue house", "an orange umbrella",
    "a red fish", "a green car", "a purple cat", "a brown horse", "a blue pizza", "a cat and a dog", "a pizza next to a hamburger",
    "a house in front of a mountain", "a boat on water", "a bird above a tree", "a dog under an umbrella", "a pink guitar",
    "a red bicycle", "a blue rabbit", "a white horse", "a green rocket", "an apple on a book", "a cup of tea with a lemon",
    "a frog with a crown", "a snowman with a hat", "a robot with a flower", "a tree and a house", "a red balloon above a house",
    "a sad pizza", "a smiling sun", "an old man with glasses", "a small brown mouse", "a big red truck", "a night sky with stars",
)
