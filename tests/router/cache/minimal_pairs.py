"""Pairs of questions for near duplicates: 400 that look alike and differ, and 200 that differ and ask the same.

Made from templates written by hand; every pair of the first kind needs different answers.
"""

from collections.abc import Iterator
from itertools import combinations, product

Pair = tuple[str, str]

NUMBERS = ("5", "6", "15", "50", "5.5", "500", "1,000", "10,000")
NUMBERED = (
    "What is the square root of {}?", "How many prime numbers are below {}?", "Convert {} miles to kilometers.",
    "What is {} percent of 80?",
)  # fmt: skip

SWAPPED: tuple[tuple[str, tuple[str, ...]], ...] = (
    # units
    ("How far is a marathon in {}?", ("kilometers", "miles", "meters", "feet")),
    ("What is 20 degrees Celsius in {}?", ("Fahrenheit", "Kelvin", "Rankine")),
    ("How much is 3 {} of water in liters?", ("gallons", "pints", "cups", "ounces")),
    ("How long is 90 {}?", ("seconds", "minutes", "hours", "days")),
    ("What is 5{} in grams?", ("kg", "mg", "lb", "oz")),
    # negation and polarity
    ("Which of these {} a mammal: dog or shark?", ("is", "is not", "isn't ever")),
    ("Which planets {} have rings?", ("do", "do not")),
    ("Can I take ibuprofen {} food?", ("with", "without", "before", "after")),
    ("Is it legal to drive {} a licence in Spain?", ("with", "without")),
    ("What is the {} value of x in the list 3, 1, 2?", ("largest", "smallest", "first", "last", "middle")),
    ("Name a number that is {} 10.", ("at least", "at most", "above", "below", "not")),
    ("How do I {} a user in Linux?", ("add", "delete", "rename", "lock", "unlock")),
    ("What happens when prices {} too fast?", ("rise", "fall")),
    ("Write a function that returns the {} of a list.", ("maximum", "minimum", "mean", "median")),
    ("Should a diabetic eat {} sugar?", ("more", "less", "no", "any")),
    ("When do you use {} in a condition?", ("and", "or", "not")),
    ("Is {} swan white?", ("every", "no", "some", "any")),
    ("What are the {} of remote work?", ("advantages", "disadvantages")),
    # names
    ("What is the capital of {}?", ("Niger", "Nigeria", "Guinea", "Guyana", "Austria", "Australia")),
    ("When was {} born?", ("Newton", "Leibniz", "Einstein", "Euler")),
    ("Who is the author of {}?", ("Emma", "Dracula", "Ulysses", "Dune")),
    ("What is the population of {}?", ("Georgia", "Jordan", "Chad", "Turkey", "turkey")),
    ("Is {} taller than Bob?", ("Alice", "Alicia", "Bob")),
    # code
    ("What does `{}` do in Python?", ("x = 1", "x == 1", "x is 1", "x += 1", "X = 1")),
    ("How do I use {} in NumPy?", ("np.max", "np.min", "np.argmax", "np.maximum")),
    ("How do I sort a list in {}?", ("Python", "Java", "JavaScript", "C", "C++", "C#")),
    ("What is the result of 7 {} 2?", ("+", "-", "*", "/", "//", "%", "**")),
    ("What is {}?", ("5!", "5", "(1, 234)", "(1,234)", "(1 234)", "1.5", "15", "-15", ".5")),
    # language and format
    ("Translate good morning into {}.", ("French", "Spanish", "German", "Italian")),
    ("Explain recursion in {} sentences.", ("two", "three", "four", "ten")),
    ("Answer in {}: what is gravity?", ("English", "French", "JSON", "verse")),
    # options
    ("Which is heavier: A) {} or B) lead?", ("gold", "iron", "copper")),
    ("Pick one: A) red B) blue C) {}", ("green", "black", "white")),
    # time
    ("Who won the World Cup in {}?", ("1998", "2002", "2006", "2010")),
    ("What is on {} in the calendar?", ("Monday", "Tuesday", "May 5", "March 5")),
    ("What {} the population of Rome?", ("is", "was", "will be")),
    ("What is the deadline on {}?", ("2024-01-02", "2024-02-01", "2042-01-02")),
)  # fmt: skip

ORDERED: tuple[tuple[str, Pair], ...] = tuple(
    (template, pair)
    for template, pairs in (
        (
            "How do I get from {} to {}?",
            (("Paris", "London"), ("Rome", "Milan"), ("Bonn", "Berlin")),
        ),
        ("Is {} larger than {}?", (("Mars", "Venus"), ("iron", "lead"), ("1.9", "1.11"))),
        ("Do {} eat {}?", (("cats", "dogs"), ("sharks", "whales"))),
        ("Convert {} to {}.", (("euros", "dollars"), ("XML", "JSON"), ("hex", "binary"))),
        ("What is {} minus {}?", (("8", "3"), ("a", "b"))),
        ("Who paid whom, {} or {}?", (("Ann", "Ben"), ("we", "they"))),
    )
    for pair in pairs
)

LOOK_ALIKE: tuple[Pair, ...] = (
    ("How do you feel about long meetings?", "How do I feel about long meetings?"),
    ("Can you eat raw potatoes?", "Would you eat raw potatoes?"),
    ("Name a prime number below ten.", "What is a prime number below ten?"),
    ("Let's eat, Grandma, before noon.", "Let's eat Grandma before noon."),
    ("What is The Who famous for?", "What is who famous for?"),
    ("Does the US export oil?", "Does the us export oil?"),
    ("Is Polish hard to learn?", "Is polish hard to learn?"),
    ("What is 'please' in Spanish?", "What is in Spanish?"),
)


def different() -> list[Pair]:
    """Return 400 pairs that must never share an answer."""
    return list(_different())[:400]


def _different() -> Iterator[Pair]:
    yield from LOOK_ALIKE
    for template, (one, other) in ORDERED:
        yield template.format(one, other), template.format(other, one)
    for template, words in SWAPPED:
        for one, other in combinations(words, 2):
            yield template.format(one), template.format(other)
    for template, (one, other) in product(NUMBERED, combinations(NUMBERS, 2)):
        yield template.format(one), template.format(other)
    # The same traps behind different framings.
    for template, words in SWAPPED:
        yield f"Hi! {template.format(words[0])}", f"{template.format(words[1])} Thanks!"


NOUNS = (
    "the capital of Peru", "the boiling point of ethanol", "the largest lake in Africa", "the speed of light",
    "the chemical symbol of tin", "the population of Oslo", "the atomic number of neon", "the national flower of Japan",
)  # fmt: skip
NOUN_WAYS = (
    "What is {}?", "What's {}?", "Tell me {}.", "Please tell me {}", "Can you tell me {}?", "Could you tell me {}?",
    "Hi, what is {}?", "Do you know {}?", "I would like to know {}", "I need to know {}.", "{}?", "What would be {}?",
    "Give me {}, please.", "I was wondering what {} is.", "Hey, any idea what {} is?",
)  # fmt: skip
TASKS = (
    "reverse a list in Python", "remove a stain from cotton", "undo the last commit in git",
    "boil an egg", "rename a file in Linux",
)  # fmt: skip
TASK_WAYS = (
    "How do I {}?", "How can I {}?", "How to {}", "What is the way to {}?", "Show me how to {}.", "How would I {}?",
    "Please explain how to {}", "What's the best way to {}?", "I want to {}, how?", "Steps to {}?",
)  # fmt: skip
SUMS = ("12 + 30", "7 times 8", "15% of 300", "1,000 minus 1")
SUM_WAYS = (
    "What is {}?", "Compute {}.", "Calculate {}", "Can you calculate {}?", "Please work out {}", "How much is {}?",
    "{} = ?", "What does {} come to?", "Hello! What's {}? Thanks!",
)  # fmt: skip
REWORDED: tuple[Pair, ...] = (
    ("In Python, how do I open a file?", "How do I open a file in Python?"),
    ("What is France's currency?", "What is the currency of France?"),
    ("Who wrote Hamlet?", "Who is the author of Hamlet?"),
    ("What is the biggest planet?", "What is the largest planet?"),
    ("How many legs does a spider have?", "What number of legs does a spider have?"),
    ("Why is the sky blue?", "What makes the sky blue?"),
    ("Is a tomato a fruit?", "Are tomatoes fruits?"),
    ("When did World War II end?", "In which year did World War II end?"),
    ("What colour is a flamingo?", "What color is a flamingo?"),
    ("How tall is Mount Everest?", "What is the height of Mount Everest?"),
    ("How many km are in 5 miles?", "How many kilometres are in five miles?"),
    ("List the planets of the solar system.", "Name all planets in our solar system."),
)


def same() -> list[Pair]:
    """Return 200 pairs that ask the same, each against the plainest wording."""
    return list(_same())[:200]


def _same() -> Iterator[Pair]:
    yield from REWORDED
    for things, ways in ((NOUNS, NOUN_WAYS), (TASKS, TASK_WAYS), (SUMS, SUM_WAYS)):
        for thing in things:
            yield from ((ways[0].format(thing), way.format(thing)) for way in ways[1:])
