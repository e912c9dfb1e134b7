"""Changed copies of training questions, so that form and language don't pass for difficulty.

Two kinds. *Mutations* change case, punctuation, spelling, politeness or padding and keep the label:
what a user changes without making the question harder. *Glossary copies* turn an English question
into pidgin Chinese, word by word: known hard questions in Chinese are rare in any open data, and
without copies a model learns that Chinese means easy. The pidgin need not be good Chinese; the
features count intents, marks and letters, and those come out right.
"""

import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace

from classifier.training.dataset import Question
from classifier.training.gadgets import gadgeted

_GLOSSARY_TEXT = """
prove|证明 proves|证明 show|证明 that| let|设 suppose|假设 assume|假设 given|已知 find|求 determine|求 all|所有
every|任意 each|每个 any|任意 exists|存在 exist|存在 there| such|使得 function|函数 functions|函数 polynomial|多项式
polynomials|多项式 equation|方程 equations|方程 integer|整数 integers|整数 positive|正 negative|负 real|实数
number|数 numbers|数 prime|素数 primes|素数 divisible|整除 divides|整除 divisor|因数 divisors|因数 remainder|余数
sum|和 product|积 difference|差 square|平方 squares|平方 cube|立方 root|根 roots|根 triangle|三角形 circle|圆
angle|角 point|点 points|点 line|直线 lines|直线 plane|平面 circumcircle|外接圆 incircle|内切圆 incenter|内心
circumcenter|外心 midpoint|中点 perpendicular|垂直 parallel|平行 tangent|切线 radius|半径 diameter|直径 area|面积
perimeter|周长 length|长 side|边 sides|边 segment|线段 bisector|平分线 altitude|高 vertex|顶点 vertices|顶点
polygon|多边形 quadrilateral|四边形 rectangle|长方形 hexagon|六边形 sequence|数列 series|级数 limit|极限
derivative|导数 integral|积分 matrix|矩阵 vector|向量 complex|复数 inequality|不等式 maximum|最大值 minimum|最小值
largest|最大 smallest|最小 greatest|最大 least|最小 value|值 values|值 possible|可能 how|多少 many| probability|概率
random|随机 ways|方法 choose|选 set|集合 subset|子集 sets|集合 element|元素 elements|元素 distinct|不同 different|不同
color|颜色 colored|染色 grid|方格表 table|表 cell|格 cells|格 row|行 column|列 game|游戏 player|玩家 players|玩家
compute|计算 calculate|计算 evaluate|求值 simplify|化简 solve|解 express|表示 answer|答案 if|如果 then|则 and|且 or|或
not|不 is|是 are|是 what|什么 which|哪个 who|谁 when|何时 where|哪里 why|为什么 of|的 in|在 with|有 for|对 from|从 to|到
at|在 on|上 by| the| a| an| be|为 has|有 have|有 can|可以 more|多 less|少 than|比 total|一共 cost|价格 costs|花费
dollars|元 money|钱 buy|买 buys|买了 sells|卖出 apples|苹果 day|天 days|天 week|周 hour|小时 hours|小时 minutes|分钟
people|人 children|孩子 students|学生 school|学校 book|书 books|本书 times|倍 half|一半 percent|百分之 average|平均
following|下列 statement|说法 true|正确 false|错误 correct|正确 option|选项 energy|能量 mass|质量 velocity|速度
force|力 temperature|温度 pressure|压力 reaction|反应 acid|酸 solution|溶液 current|电流 voltage|电压 charge|电荷
law|法律 court|法院 economy|经济 price|价格 market|市场 company|公司 history|历史 country|国家 city|城市 government|政府
"""
_GLOSSARY = dict(entry.split("|") for entry in _GLOSSARY_TEXT.split())
_FILLER = "这个其中一种之间关于可能进行具有分别方面时候情况需要通过以及称为形成部分作用由此同样已经"
_SIGNS = {
    "\\leq": "≤",
    "\\geq": "≥",
    "\\le": "≤",
    "\\ge": "≥",
    "\\cdot": "·",
    "\\times": "×",
    "\\angle": "∠",
    "\\sqrt": "√",
    "\\in": "∈",
    "\\to": "→",
    "\\neq": "≠",
    "\\pi": "π",
    "\\left": "",
    "\\right": "",
    "\\ldots": "...",
    "\\dots": "...",
}
_PARTS = re.compile(r"(\$[^$]*\$|\\[a-zA-Z]+|[A-Za-z]+|[^A-Za-z$\\]+|.)", re.DOTALL)
_HALF, _MOSTLY = 0.5, 0.9
_LONG_WORD = 6
_FULL_STOPS = str.maketrans({".": "。", ",": "，", "?": "？", ";": "；"})

_OPENINGS = (
    "Please help me with this.",
    "Hi there, I hope you are well. I have a quick question for you.",
    "Could you please answer the following?",
    "Thank you in advance for your help!",
    "I was talking with a friend yesterday and this came up, so I thought I would ask.",
    "Bonjour, pouvez-vous m'aider ?",
    "Hola, necesito ayuda con esto, por favor.",
    "你好，请帮我看一下这个问题。",
    "Hallo, ich brauche kurz Hilfe.",
    "Здравствуйте, помогите, пожалуйста.",
)
_CLOSINGS = (
    "Thanks!",
    "Thank you very much, I really appreciate it.",
    "Please take your time, there is no hurry at all.",
    "Merci d'avance.",
    "Gracias.",
    "谢谢！",
    "Have a nice day!",
)
_LINES_OF_FILLER = (
    "It has been a pleasant week and the weather is nice today.",
    "By the way, I like your answers.",
    "This is for a friend who asked me about it some time ago.",
    "I am writing this from my phone.",
    "My dog is sleeping next to me while I type.",
    "The kitchen smells of fresh bread and somebody is singing upstairs.",
    "Our neighbours came back from their holiday with many photographs.",
    "I had to look for my glasses again before I could write this.",
    "Perhaps it will rain tonight, but nobody here seems to mind.",
)


def glossary_chinese(text: str, rng: random.Random) -> str:
    """Return pidgin Chinese: known words translated, others as filler, formulas kept."""
    parts: list[str] = []
    for part in _PARTS.findall(text):
        if part.isascii() and part.isalpha():
            known = _GLOSSARY.get(part.lower())
            if known is None and (len(part) == 1 or part.isupper()):
                parts.append(part)
            elif known is None:
                start = rng.randrange(len(_FILLER) - 2)
                parts.append(_FILLER[start : start + (1 if len(part) < _LONG_WORD else 2)])
            else:
                parts.append(known)
        elif part.startswith(("$", "\\")):
            parts.append(part)
        else:
            parts.append(part.translate(_FULL_STOPS).replace(" ", "") or "")
    return "".join(parts)


def shouted(text: str, rng: random.Random) -> str:
    """Return the text in capitals or title case."""
    return text.upper() if rng.random() < _HALF else text.title()


def unpunctuated(text: str, rng: random.Random) -> str:
    """Return the text without its final mark, or without commas and question marks."""
    if rng.random() < _HALF:
        return text.rstrip(" .?!。？！")
    return re.sub(r"[,?!;，？！；](?=\s|$)", "", text)


def misspelt(text: str, rng: random.Random) -> str:
    """Return the text with one letter in thirty swapped, doubled or dropped."""
    letters = list(text)
    for place in range(1, len(letters) - 1):
        if letters[place].isalpha() and rng.random() < 1 / 30:
            change = rng.randrange(3)
            if change == 0:
                letters[place], letters[place - 1] = letters[place - 1], letters[place]
            else:
                letters[place] = letters[place] * 2 if change == 1 else ""
    return "".join(letters)


def padded(text: str, rng: random.Random) -> str:
    """Return the text with a polite opening, a closing, or lines of filler at one end."""
    kind = rng.choice(("opening", "closing", "before", "after"))
    if kind == "opening":
        return f"{rng.choice(_OPENINGS)} {text}"
    if kind == "closing":
        return f"{text}\n{rng.choice(_CLOSINGS)}"
    filler = " ".join(rng.choices(_LINES_OF_FILLER, k=rng.randrange(1, 9)))
    return f"{filler}\n\n{text}" if kind == "before" else f"{text}\n\n{filler}"


def dressed(text: str, rng: random.Random) -> str:
    """Return the text in quotes, in Markdown or with an emoji."""
    frames = ('"{}"', "**{}**", "> {}", "# Question\n{}", "{} 🙂", "`{}`", "Q: {}", "\n\n  {}  \n")
    return rng.choice(frames).replace("{}", text)


def unlatexed(text: str, rng: random.Random) -> str:
    """Return the text as typed without LaTeX: no dollar signs, command names as words or signs."""
    text = re.sub(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}", r"(\1)/(\2)", text.replace("$", ""))
    for command, sign in _SIGNS.items():
        text = text.replace(command, sign if rng.random() < _MOSTLY else command[1:])
    return re.sub(r"[{}]", "", re.sub(r"\\([a-zA-Z]+)", r"\1", text))


MUTATIONS: tuple[Callable[[str, random.Random], str], ...] = (
    shouted,
    unpunctuated,
    misspelt,
    padded,
    padded,
    padded,
    padded,
    dressed,
    unlatexed,
    gadgeted,
    gadgeted,
)
"""Changes that keep the label; padding and gadgets count more, they move most."""

_LONGEST_COPIED = 1_500


def copies(
    questions: Sequence[Question], *, n_mutated: int, n_glossary: int, seed: int
) -> tuple[list[Question], list[int]]:
    """Return changed copies and the row each one was made from.

    Rare sources are copied first: rows are drawn with weight ``1 / sqrt(size of the source)``.

    Args:
        questions: The originals.
        n_mutated: Number of mutated copies.
        n_glossary: Number of copies in pidgin Chinese, of English questions without code.
        seed: Of the random draw.
    """
    rng = random.Random(seed)  # noqa: S311 - a reproducible draw, no secret
    size: dict[str, int] = {}
    for question in questions:
        size[question.source] = size.get(question.source, 0) + 1
    short = [r for r, q in enumerate(questions) if len(q.prompt) <= _LONGEST_COPIED]
    english = [r for r in short if _translatable(questions[r])]
    made: list[Question] = []
    origin: list[int] = []
    for pool, count in ((short, n_mutated), (english, n_glossary)):
        if not pool:
            continue
        weights = [size[questions[row].source] ** -0.5 for row in pool]
        for row in rng.choices(pool, weights, k=count):
            question = questions[row]
            if pool is short:
                prompt, language = rng.choice(MUTATIONS)(question.prompt, rng), question.language
            else:
                # Half of them as people type, for marks must not stand for hardness.
                plain = question.prompt if rng.random() < _HALF else unlatexed(question.prompt, rng)
                prompt, language = glossary_chinese(plain, rng), "zh"
            made.append(replace(question, prompt=prompt, language=language))
            origin.append(row)
    return made, origin


def _translatable(question: Question) -> bool:
    return question.language == "en" and question.domain in ("math", "science", "knowledge")
