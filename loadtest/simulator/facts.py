"""Answers to questions that are no arithmetic: a small table of facts, and a plausible sentence for the rest."""

import re
from random import Random

_CAPITALS = {
    "france": "Paris", "germany": "Berlin", "italy": "Rome", "spain": "Madrid", "japan": "Tokyo",
    "china": "Beijing", "india": "New Delhi", "brazil": "Brasilia", "canada": "Ottawa", "egypt": "Cairo",
    "australia": "Canberra", "portugal": "Lisbon", "poland": "Warsaw", "kenya": "Nairobi", "norway": "Oslo",
}  # fmt: skip
_CAPITALS_ZH = {
    "中国": "北京",
    "法国": "巴黎",
    "日本": "东京",
    "德国": "柏林",
    "英国": "伦敦",
    "美国": "华盛顿",
}
_FACTS = (
    (
        re.compile(r"boiling point of water|water boil", re.IGNORECASE),
        "Water boils at 100 degrees Celsius at sea level.",
    ),
    (
        re.compile(r"largest planet", re.IGNORECASE),
        "Jupiter is the largest planet of the solar system.",
    ),
    (
        re.compile(r"speed of light", re.IGNORECASE),
        "Light travels at 299,792,458 metres per second in a vacuum.",
    ),
    (re.compile(r"how many days .*(week)", re.IGNORECASE), "A week has seven days."),
    (re.compile(r"how many continents", re.IGNORECASE), "There are seven continents."),
    (
        re.compile(r"chemical symbol (?:of|for) gold", re.IGNORECASE),
        "The chemical symbol for gold is Au.",
    ),
    (re.compile(r"who wrote hamlet", re.IGNORECASE), "William Shakespeare wrote Hamlet."),
    (
        re.compile(r"^\s*(?:hi|hello|hey|good (?:morning|evening))\b", re.IGNORECASE),
        "Hello! How can I help you today?",
    ),
    (re.compile(r"thank", re.IGNORECASE), "You are welcome."),
    (re.compile(r"你好|您好"), "你好！有什么可以帮你？"),
)
_OPENINGS = ("In short,", "Put simply,", "As far as I can tell,", "Broadly,")
_GISTS = (
    "the usual approach works here: state what is given, choose a method, and check the result.",
    "there are two cases to tell apart, and both lead to the same conclusion.",
    "it depends on the context, but the common reading is the right one.",
    "the first principle settles it, and the details follow from that.",
)


def answer_plainly(question: str) -> str:
    """Return one sentence: the fact if the table has it, else a generic answer, always the same for a question."""
    capital = re.search(r"capital (?:city )?of (?:the )?([a-z]+)", question, re.IGNORECASE)
    if capital and (city := _CAPITALS.get(capital.group(1).lower())):
        return f"The capital of {capital.group(1).capitalize()} is {city}."
    if "首都" in question:
        for country, city in _CAPITALS_ZH.items():
            if country in question:
                return f"{country}的首都是{city}。"
    for pattern, fact in _FACTS:
        if pattern.search(question):
            return fact
    if re.search(r"[\u4e00-\u9fff]", question):
        return "简单来说，按照常用的方法一步一步推导，就能得到结论。"
    rng = Random(question)
    return f"{rng.choice(_OPENINGS)} {rng.choice(_GISTS)}"
