"""What two wordings of one question may differ in: framing, spelling, ways to ask. Tables for `paraphrase`.

A rule belongs here only if it holds whatever stands in its gaps; one that needs to know what a word means does not.
"""

import re
from collections.abc import Mapping

STARTERS = frozenset(
    [
        "what",
        "which",
        "who",
        "whom",
        "whose",
        "when",
        "where",
        "why",
        "how",
        "can",
        "could",
        "would",
        "will",
        "should",
        "may",
        "do",
        "does",
        "did",
        "is",
        "are",
        "was",
        "were",
        "tell",
        "give",
        "show",
        "write",
        "name",
        "list",
        "explain",
        "describe",
        "find",
        "calculate",
        "compute",
        "convert",
        "translate",
        "work",
        "define",
        "please",
        "i",
        "if",
        "in",
        "the",
        "a",
        "an",
        ",",
        ".",
        "!",
        ":",
    ]
) - frozenset({"in", "is", "are"})
"""May follow a greeting; "hello in Japanese" is none."""

_GREETINGS = (
    "hi", "hello", "hey", "hi there", "hello there", "good morning", "thanks", "thank you", "ok", "okay", "so",
    "please", "please can you", "please could you",
)  # fmt: skip
_LEADING = (
    ",", "!", ".", "quick question :", "question :", "i have a question :", "can you tell me", "could you tell me",
    "would you tell me", "can you explain to me", "could you explain to me", "can you help me", "could you help me",
    "i want to know", "i need to know", "i would like to know", "i am curious", "i was wondering", "i am wondering",
    "i wonder", "do you know", "any idea", "tell me", "let me know", "may i ask", "can i ask", "help me to", "help me",
)  # fmt: skip
_REQUESTS = (
    "calculate compute give show write name list explain describe work suggest define convert"
)

OPENINGS: tuple[tuple[tuple[str, ...], bool], ...] = tuple(
    sorted(
        [(tuple(phrase.split()), False) for phrase in _LEADING]
        + [(tuple(phrase.split()), True) for phrase in _GREETINGS],
        key=lambda opening: -len(opening[0]),
    )
)
"""Phrases before a question, the longest first, and whether a starter must follow."""

QUOTING = re.compile(
    r"\b(?:translat|say|said|spell|pronounc|sign|phrase|word|mean|(?:in|into|to) (?:English|French|Spanish|German|Italian"
    r"|Portuguese|Dutch|Danish|Swedish|Polish|Russian|Greek|Latin|Turkish|Arabic|Hindi|Chinese|Japanese|Korean))",
    re.IGNORECASE,
)
"""Where words may be spoken of, a greeting or thanks may be those words."""

TECH = (
    "Python|Java|JavaScript|TypeScript|Go|Rust|Ruby|PHP|SQL|CSS|HTML|Excel|Linux|Windows|macOS|Ubuntu|Bash|bash"
    "|git|Git|NumPy|pandas|Docker"
)
"""Languages and systems in which things are done."""

_UNLIKE_DOING = "look|feel|sound|seem|appear|smell|taste|fare|compare|differ|rank|do|be|react|age|die|live|fit|end|become|know"
"""Said of oneself rather than done: "how do I look" is not "how can I look"."""

_DOABLE = (
    "say|spell|pronounce|make|cook|boil|bake|calculate|compute|solve|install|write|convert|remove|change|open|create"
    "|delete|sort|reverse|copy|rename|clean|fix|tie|draw"
)
"""What "how do you" asks for; other verbs may ask about the one who answers."""

# No token of a text looks like "<what>": its brackets would be tokens of their own.
_REWRITES: tuple[tuple[str, str], ...] = (
    (rf"^(?:can|could|would|will) you (?:please )?(?={'|'.join(_REQUESTS.split())} )", ""),
    (r"^(?:explain|describe|show me) (?=what |how |why )", ""),
    # The way a question is put.
    (r"^which (?!of )", "what "),
    (r"^(at|in|on|from|for) which ", r"\1 what "),
    (r"^(at|on|from|for) what (.+)$", r"what \2 \1"),
    (r"^what city is (?=the capital of )", "what is "),
    (r"^what (\w+) is the (\w+est) (?=in |on |of )", r"what is the \2 \1 "),
    (r"^what ((?:the |a )?\w+(?: (?!is |are )\w+){0,5}) (is|are)$", r"what \2 \1"),
    (rf"^(?:what is the (?:best )?way to|teach me how to|how does one|how (?:do|can|could|would) (?:i|one)"
     rf"|how to) (?!(?:{_UNLIKE_DOING}) )", "<howto> "),
    (rf"^how (?:do|can|would) you (?=(?:{_DOABLE}) )", "<howto> "),
    (r"^how (?:do|does) (?!i |you |we |they |he |she |it )([\w -]+) work$", r"<work> \1"),
    (r"^how (?!do |does |did |can |could |will |would |should |is |are |much |many |long |well |hard |often |far |i )"
     r"([\w -]+) works?$", r"<work> \1"),
    (r"^how much time (?=does it take )", "how long "),
    # How many.
    (r"^what (?:is the )?number of ", "how many "),
    (r"^give me the number of ", "how many "),
    (r"^how many (.+?) are there (?=in )", r"how many \1 are "),
    (r"^how many (\w+) (?=in (?:a|\d+) )", r"how many \1 are "),
    (r"^how many people live in (?!.*\b(?:with|without|who|on|under|over|a|per) )(.+)$", r"what is the population of \1"),
    # Sums and conversions.
    (r"^(?:compute|calculate|work out) (?!a )(?=.*\d)", "<what> "),
    (r"^how much is (?=\d)", "<what> "),
    (r"^(\d[^a-z]*) = \?$", r"<what> \1"),
    (r"^find (?=the (?:square root|sum|product|derivative|integral|area|mean|median|value) of )", "<what> "),
    (r"^convert (-? ?[\d.]+ \S+) (?:to|into) (\S+)$", r"<what> \1 in \2"),
    (r"^how many (\w+) (?:is|are)(?: in)? (\d[\d.]* \w+)$", r"<what> \2 in \1"),
    # Nouns for verbs and adjectives.
    (r"^who (?:is|was) the author of ", "who wrote "),
    (r"^who (?:is|was) the inventor of ", "who invented "),
    (r"^how tall is (?!it |he |she )([\w ]+)$", r"<what> the height of \1"),
    (r"^how old is (?!it |he |she |too )([\w ]+)$", r"<what> the age of \1"),
    (r"^how deep is (?!it )([\w ]+)$", r"<what> the depth of \1"),
    (r"^what is the meaning of (.+)$", r"what does \1 mean"),
    (r"^define ", "what is the definition of "),
    (r"^(where is .+) located$", r"\1"),
    (r"^(how (?:much|often|many) .+ (?!in |of |for |on |at |is |into )\w+) a (day|week|month|year)$", r"\1 per \2"),
    # Things to be given.
    (r"^(?:name|list|give me|state) (?=the (?:\w+ ){1,4}of |the \w+est )", "<what> "),
    (r"^(?:name|list|give me|give|show me|suggest) (?=\d+ )", "<give> "),
    (r"^(?:give me|give|show me) ", "<give> "),
    (r"^write (?:me )?", "<write> "),
    (r"^(<write> .*?) that (\w+(?:ch|sh|ss|x))es ", r"\1 to \2 "),
    (r"^(<write> .*?) that (\w+[^s])s ", r"\1 to \2 "),
    (r"^what (?:is|are) ", "<what> "),
    (r"^(?:<what> )?(?:the )?(?=(?:pros and cons of|difference between|capital of|population of) )", "<what> the "),
    (r"^the (?=(?:\w+ ){1,3}of |\w+est )", "<what> the "),
)  # fmt: skip

REWRITES = tuple((re.compile(rule), replacement) for rule, replacement in _REWRITES)
"""Applied one after the other to a form's tokens, parted by single spaces."""

SAME: Mapping[str, str] = {
    **{word: str(i) for i, word in enumerate(
        ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
    )},
    "an": "a", "plus": "+", "minus": "-", "times": "*", "\u00d7": "*", "\u00f7": "/", "percent": "%",
    "km": "kilometers", "kilometres": "kilometers", "kilometre": "kilometers", "kilometer": "kilometers",
    "metres": "meters", "metre": "meters", "meter": "meters", "kg": "kilograms", "kilogram": "kilograms",
    "litres": "liters", "litre": "liters", "liter": "liters", "colour": "color", "colours": "colors",
    "tyre": "tire", "tyres": "tires", "grey": "gray", "favourite": "favorite", "flavour": "flavor",
    "centre": "center", "theatre": "theater", "organise": "organize", "summarise": "summarize",
    "analyse": "analyze", "optimise": "optimize", "behaviour": "behavior", "neighbour": "neighbor",
    "licence": "license", "defence": "defense", "catalogue": "catalog", "aluminium": "aluminum",
    "biggest": "largest", "film": "movie", "films": "movies",
}  # fmt: skip

FILLERS = frozenset({"exactly", "actually", "basically"})
"""Ask for nothing, unless a number is about."""

_TWINS = (
    ("kid", "child"), ("kids", "children"), ("fix", "repair"), ("buy", "purchase"), ("begin", "start"),
    ("begins", "starts"), ("big", "large"), ("photo", "picture"), ("photos", "pictures"), ("bike", "bicycle"),
    ("sea", "ocean"), ("fridge", "refrigerator"), ("maths", "math"), ("ill", "sick"), ("flu", "influenza"),
)  # fmt: skip
TWINS: Mapping[str, frozenset[str]] = {
    word: frozenset({b if a == word else a for a, b in _TWINS if word in (a, b)})
    for pair in _TWINS
    for word in pair
}
"""Two words for the same in most of their meanings; so only one of them may be exchanged."""
