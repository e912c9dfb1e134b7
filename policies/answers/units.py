"""Units of measurement as words: what they are called, and which one a question asks for."""

import re

_NAMES = {
    "km": "km kilometre kilometer 千米 公里", "m": "m metre meter 米", "cm": "cm centimetre centimeter 厘米",
    "mm": "mm millimetre millimeter 毫米", "mi": "mi mile 英里", "ft": "ft foot feet 英尺", "in": "inch inches 英寸",
    "yd": "yd yard", "kg": "kg kilogram 千克 公斤", "g": "g gram 克", "mg": "mg milligram 毫克",
    "lb": "lb lbs pound", "t": "tonne ton 吨", "s": "s sec second 秒 秒钟", "ms": "ms millisecond 毫秒",
    "min": "min minute 分钟", "h": "h hr hour 小时", "d": "day 天", "week": "week 周 星期", "month": "month 个月",
    "year": "year yr 年", "l": "l litre liter 升", "ml": "ml millilitre milliliter 毫升",
    "$": "$ dollar usd 美元", "cent": "cent 美分", "€": "€ euro eur 欧元", "£": "£ gbp", "¥": "¥ yuan rmb cny 元 块 人民币",
    "°": "° degree deg 度", "rad": "rad radian 弧度", "°c": "°c celsius 摄氏度", "°f": "°f fahrenheit 华氏度",
    "%": "% percent percentage pct 百分比", "n": "newton 牛顿 牛", "j": "joule 焦耳", "w": "watt 瓦", "v": "volt 伏特 伏",
    "mi/h": "mph", "km/h": "kph kmh", "hz": "hz hertz 赫兹", "pa": "pa pascal 帕",
}  # fmt: skip
UNITS = {name: unit for unit, names in _NAMES.items() for name in names.split()}
"""Every name of a unit, in lower case and the singular, to the unit."""

_POWERS = {"square": "^2", "sq": "^2", "平方": "^2", "cubic": "^3", "cu": "^3", "立方": "^3"}
_ASKED = re.compile(
    r"\b(?:in|how many|number of)\s+(?:the\s+)?((?:square |cubic )?[a-z°%$€£]+(?:\s+per\s+[a-z]+|/[a-z]+)?(?:\^?[23²³])?)(?![a-z])"
    r"|(多少|几)((?:平方|立方)?[一-鿿]{1,3}?)(?=[?？。，,]|$)",
    re.IGNORECASE,
)
_PERCENT_ASKED = re.compile(
    r"\bwhat (?:percent|percentage|per cent)\b|百分之(?:几|多少)", re.IGNORECASE
)


def unit_named(text: str) -> str | None:
    """Return the unit that ``text`` names and nothing else: ``km``, ``m^2``, ``km/h``; else ``None``."""
    words = text.lower().replace("²", "^2").replace("³", "^3").strip(" .")
    above, per, below = re.sub(r"\s+per\s+|每", "/", words).partition("/")
    if per:
        parts = (unit_named(above), unit_named(below))
        return None if None in parts else f"{parts[0]}/{parts[1]}"
    words = re.sub(r"\s*\^\s*\{?\s*([23])\s*\}?$", r"^\1", words)
    for word, power in _POWERS.items():
        if words.startswith(word):
            words = words.removeprefix(word).strip() + power
            break
    name, caret, power = words.partition("^")
    name = name.strip()
    unit = UNITS.get(name) or UNITS.get(name.removesuffix("s"))
    return unit and unit + caret + power


def unit_of(question: str) -> str | None:
    """Return the unit that ``question`` asks its answer in, or ``None``; the last one named wins."""
    if _PERCENT_ASKED.search(question):
        return "%"
    for found in reversed(list(_ASKED.finditer(question))):
        if unit := unit_named(found[1] or found[3]):
            return unit
    return None
