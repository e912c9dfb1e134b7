"""What kind of answer a question asks for: it decides how samples are read and compared."""

import re
from collections.abc import Mapping
from typing import Any, Literal

from .choices import options_of

Kind = Literal["auto", "number", "math", "mcq", "bool", "json", "code", "text"]
"""``auto``: the question does not say; the answers are read for what they look like."""

_CODE = re.compile(
    r"\b(?:write|implement|create|complete|fix|refactor|give me)\b[^.?!\n]{0,60}"
    r"\b(?:function|program|script|method|class|code|regex|sql query|query|unit tests?)\b"
    r"|\bimplement\b[^.?!\n]{0,40}\bin (?:python|java|javascript|typescript|rust|go|c\+\+)"
    r"|(?:写|实现|编写)[^。？\n]{0,20}(?:函数|程序|代码|脚本|方法|类)|\A\s*def \w+\(",
    re.IGNORECASE,
)
_JSON = re.compile(
    r"\b(?:respond|reply|answer|return|output|format)\b[^.?!\n]{0,40}\bJSON\b|(?:返回|输出|以)[^。\n]{0,10}JSON",
    re.IGNORECASE,
)
_YES_NO = re.compile(
    r"(?:^|[.!?。？\n]\s*)(?:so,?\s+)?(?:is|are|was|were|do|does|did|can|could|will|would|has|have|had|must)\s(?![^?]*\bor\b)[^?\n]{3,200}\?\s*"
    r"(?:(?:answer|reply|respond)[^\n]*)?$"
    r"|\b(?:yes or no|true or false|yes/no|true/false)\b|是否|[吗嗎][？?]?\s*$|对还是错|是不是",
    re.IGNORECASE,
)
_NUMBER = re.compile(
    r"\b(?:how (?:many|much|old|far|long|tall|fast)|what percent\w*|what (?:is|was) the (?:total|number|sum|average|mean|median|"
    r"probability|cost|price|remainder|distance|speed|area|volume|perimeter))\b|多少|几[个只次天人岁元]|百分之几",
    re.IGNORECASE,
)
_MATH = re.compile(
    r"\$[^$\n]+\$|\\[(\[]|\\(?:frac|sqrt|begin|int|sum)\b"
    r"|\b(?:simplify|factor(?:i[sz]e)?|expand|solve|differentiate|integrate|derivative|integral|equation|polynomial|"
    r"matrix|eigenvalues?|interval|roots?|evaluate|compute|determine|express)\b|求|化简|解方程|计算",
    re.IGNORECASE,
)
_PROSE = re.compile(
    r"\b(?:write|compose|draft|tell)\b[^.?!\n]{0,60}\b(?:story|essay|poem|haiku|limerick|song|letter|e-?mail|message|"
    r"speech|article|blog post|review|joke|summary|paragraph)\b"
    r"|\A(?:please\s+)?(?:summari[sz]e|rewrite|paraphrase|proofread|translate\b(?![^.\n]{0,80}\b(?:equation|expression)))\b"
    r"|写[^。？\n]{0,20}(?:故事|文章|作文|诗|信|邮件|总结)|\A(?:请)?(?:翻译|总结|改写|润色)",
    re.IGNORECASE,
)
_READ = 4000
"""Characters from the end of the question that are read: the task stands there."""


def kind_of(question: str, response_format: Mapping[str, Any] | None = None) -> Kind:
    """Return the kind of answer that the last human ask wants.

    Args:
        question: The last human ask, without earlier turns.
        response_format: OpenAI's field of that name, if the request carries one.
    """
    asked = (response_format or {}).get("type")
    if asked in ("json_object", "json_schema"):
        return "json"
    question = question[-_READ:].strip()
    if options_of(question):
        return "mcq"
    if _CODE.search(question):
        return "code"
    if _JSON.search(question):
        return "json"
    if _MATH.search(question):
        # "Is 2x+1 prime?" wants yes or no all the same.
        return "bool" if _YES_NO.search(question) else "math"
    if _NUMBER.search(question):
        return "number"
    if _PROSE.search(question):
        return "text"
    return "bool" if _YES_NO.search(question) else "auto"
