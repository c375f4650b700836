"""
Tells a call from the picture of one, by the words around it.

Someone who explains how calls are written shows one that is well formed and names a real tool; only the prose
gives it away. Doubt is decided for prose: a missed call costs a turn, an invented one runs a tool.
"""

import re

_ILLUSTRATING_WORDS = (
    r"examples?|e\.\s?g\.|for instance|such as|samples?|snippets?|formats?|formatted|syntax|notation",
    r"grammar",
    r"templates?|placeholders?|conventions?|schemas?|specification|markup|tags?|tokens?|emits?",
    r"look(?:s|ed)? like|like (?:this|so)|as follows|instead of|rather than|wrapped in|verbatim",
    r"literal(?:ly)?",
    r"following (?:form|way|json|xml|block|text|structure|markup|tool|call|function)",
    r"illustrat\w+|demonstrat\w+|hypothetical\w*|never|invalid|malformed|well-formed|wrong|incorrect",
    r"(?:would|could|should|must|might|can|may|to) (?:be )?(?:call|writ|emit|output|sen[dt]|return",
    r"respond)\w*",
    r"(?:would|could|should|must|might|can|may|to) (?:be )?(?:produce|said|say|answer|look)\w*",
    r"(?:docs?|documentation|readme|spec|manual|page)\b[^.\n]{0,40}\b(?:show|say|give|read|describe)s?",
    r"(?:model|assistant|llm|agent|parser|gateway|client)s?\b[^.\n]{0,60}\b(?:writ|emit|output|produc)e?s?",
    r"(?:model|assistant|llm|agent|parser|gateway|client)s?\b[^.\n]{0,60}\b(?:generate|return",
    r"respond|answer)s?",
    r"(?:model|assistant|llm|agent|parser|gateway|client)s?\b[^.\n]{0,60}\b(?:send|say|use|call",
    r"expect|print)s?",
    r"(?:qwen|hermes|llama|mistral|glm|gpt|claude|deepseek|kimi)\S*\b[^.\n]{0,60}\b(?:write|use",
    r"call|expect)s?",
    r"beispiel\w*|z\. ?b\.|schreibweise|folgenderma(?:ß|ss)en|so aus",
    r"exemples?|syntaxe|comme (?:ceci|suit|cela)|balises?",
    r"ejemplos?|sintaxis|formatos?|etiquetas?|exemplos?|sintaxe|esempi[oi]?|sintassi",
    r"voorbeeld\w*|przykład\w*|örne[kğ]\w*|příklad\w*|exempel|contoh|ví dụ",
)
_ILLUSTRATING_SIGNS = (
    r"пример|синтаксис|формат|выглядит|тег",
    r"例如|比如|示例|例子|范例|格式|语法|如下所示|样例|標籤|标签",
    r"たとえば|例えば|例\s*[:：]|の例|書式|構文|形式|のように|タグ",
    r"예시|예를|예:|형식|구문|태그|उदाहरण|مثال|صيغة|דוגמה",
)
_ILLUSTRATES = re.compile(
    rf"\b(?:{'|'.join(_ILLUSTRATING_WORDS)})(?!\w)|{'|'.join(_ILLUSTRATING_SIGNS)}", re.IGNORECASE
)
"""Words that bring up the form of a call rather than its purpose. Scripts without spaces have no word ends."""

_INTENDING_WORDS = (
    r"i['’]?ll|i will|i['’]m|i am|i (?:need|have|want) to|i should|i must|let me|let['’]s|let us",
    r"(?:first|now|next),? i",
    r"ich (?:werde|rufe|lese|prüfe|suche|schaue|sehe|starte|führe)|lass mich",
    r"je vais|laissez?-moi",
    r"voy a|déjame|permíteme|vou|deixe-me|adesso|ik ga|laat me",
)
_INTENDING_SIGNS = (
    r"我来|我将|我会|让我|我先|我要|我現在|我现在|しましょう|します|하겠습니다|볼게요",
    r"сейчас|давайте|проверю|посмотрю",
)
_INTENDS = re.compile(rf"\b(?:{'|'.join(_INTENDING_WORDS)})\b|{'|'.join(_INTENDING_SIGNS)}", re.IGNORECASE)
"""Words of someone about to act."""

_SUPPOSING_WORDS = (
    r"if|when|whenever|suppose|imagine|say|in order to|wenn|falls|si|cuando|quando|se|если|когда",
)
_SUPPOSES = re.compile(rf"\s*(?:(?:{'|'.join(_SUPPOSING_WORDS)})\b|如果|当|假如|もし|만약)", re.IGNORECASE)
"""Beginnings of a sentence about an act that is only thought of."""

_SHAPES = re.compile(
    r"\b(?:looks? like|like (?:this|so)|as follows|for (?:example|instance)|would)\b", re.IGNORECASE
)
"""What makes the look of an act the point."""

_SHOWING_WORDS = (
    r"show|explain|illustrate|demonstrate|describe|give|provide|present|document|write (?:out|down|up)",
    r"erkläre|zeige|montrer|expliquer|mostrar|explicar",
)
_SHOWS = re.compile(rf"\b(?:{'|'.join(_SHOWING_WORDS)})\b|说明|解释|展示|説明|설명", re.IGNORECASE)
"""Acts that end in a picture."""

_BACKWARD_WORDS = (
    r"above|where|replace|note that|these|here,?|is (?:how|what|the)|and the|as you can see|in this",
    r"this (?:is|shows|tells|asks|means|would|calls?|format|block|snippet|way|tag|json|form|one|requests?)",
    r"that (?:is|was|would|tells|shows|block|tag)|it (?:is|would|tells)",
    r"(?:the|both|each|every) (?:closing|opening|json|arguments?|names?|keys?|calls?|blocks?|objects?)",
)
_LOOKS_BACK = re.compile(rf"(?:{'|'.join(_BACKWARD_WORDS)})\b", re.IGNORECASE)
"""How prose goes on after a picture."""

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n")
_PARAGRAPH_END = re.compile(r"\n[ \t]*\n")
_LINE_THAT_QUOTES = re.compile(r"[ ]{0,3}(?:[>|#]|[-*+] |\d+[.)] )")
_ENDS_SENTENCE = re.compile(r"[.!?:。！？：…)>\]*]\s*\Z")
_WIDEST_MARGIN = 3


def may_begin(line: str) -> bool:
    """Whether a call may begin behind this beginning of a line: at a margin, or after a sentence."""
    if not line.strip():
        return "\t" not in line and len(line) <= _WIDEST_MARGIN
    return not _LINE_THAT_QUOTES.match(line) and _ENDS_SENTENCE.search(line) is not None


def intends(before: str) -> bool:
    """Whether the last sentence announces an act."""
    last = _sentences(before)[-1:]
    return any(_announces(sentence) for sentence in last)


def introduces_picture(before: str) -> bool:
    """Whether the paragraph that leads up to a call speaks of how calls are written."""
    sentences = _sentences(before)
    if not sentences or intends(before):
        return False
    is_heading = sentences[-1].lstrip().startswith("#")
    return is_heading or any(_ILLUSTRATES.search(sentence) for sentence in sentences)


def comments_on_picture(line: str) -> bool:
    """Whether the line that follows a call speaks of it as of something shown."""
    return (_ILLUSTRATES.search(line) or _LOOKS_BACK.match(line.lstrip())) is not None


def continues_sentence(line: str) -> bool:
    """Whether the words behind a call, on its own line, belong to a sentence that it is a part of."""
    words = line.strip()
    return words != "" and not words[0].isupper()


def _announces(sentence: str) -> bool:
    is_picture = _SHOWS.search(sentence) or _SUPPOSES.match(sentence) or _SHAPES.search(sentence)
    return _INTENDS.search(sentence) is not None and not is_picture


def _sentences(before: str) -> list[str]:
    """Of the last paragraph that says anything."""
    paragraph = _PARAGRAPH_END.split(before.replace("\r", "").rstrip())[-1]
    return [sentence for sentence in _SENTENCE_END.split(paragraph) if sentence.strip()]
