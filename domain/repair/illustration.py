"""
Tells a call from the picture of one, by the words around it.

Someone who explains how calls are written shows one that is well formed and names a real tool; only the prose
gives it away. Doubt is decided for prose: a missed call costs a turn, an invented one runs a tool.
"""

import re

_SPEAKERS = (
    "(?:model|assistant|llm|agent|parser|gateway|client)s?"
    "|(?:qwen|hermes|llama|mistral|glm|gpt|claude|deepseek|kimi)[^ \\n]*"
)
_SPEAKING = "(?:writ|emit|output|produc|generat|return|respond|answer|send|say|us|call|expect|print)e?s?"

_ILLUSTRATING_WORDS = (
    r"examples?|e\.\s?g\.|for instance|such as|samples?|snippets?|formats?|formatted|syntax|notation|grammar",
    r"templates?|placeholders?|conventions?|schemas?|specification|markup|tags?|tokens?|emits?",
    r"look(?:s|ed)? like|like (?:this|so)|as follows|instead of|rather than|wrapped in",
    r"following (?:form|way|json|xml|block|text|structure|markup|tool|call|function)",
    r"illustrat\w+|demonstrat\w+|hypothetical\w*|verbatim|literal(?:ly)?",
    r"never|invalid|malformed|well-formed|wrong|incorrect|way to|how to|works by|means of",
    r"(?:an?|every|each|any) (?:tool|function)[- ]call|(?:tool|function)[- ]?(?:calls|calling|use)",
    rf"(?:would|could|should|must|might|can|may|to) (?:be )?(?:{_SPEAKING}|called|written|sent|said|look)",
    r"(?:docs?|documentation|readme|spec|manual|page)\b[^.\n]{0,40}\b(?:show|say|give|read|describe)s?",
    rf"(?:{_SPEAKERS})\b[^.\n]{{0,60}}\b{_SPEAKING}",
    r"(?:werkzeug|funktions|tool-?)aufrufe?s?|llamadas? a herramientas?",
    r"appels? d[e’'] ?(?:outils?|fonctions?)",
    r"beispiel\w*|z\. ?b\.|schreibweise|folgenderma(?:ß|ss)en|so aus",
    r"exemples?|syntaxe|comme (?:ceci|suit|cela)|balises?",
    r"ejemplos?|sintaxis|formatos?|etiquetas?|exemplos?|sintaxe|esempi[oi]?|sintassi",
    r"voorbeeld\w*|przykład\w*|örne[kğ]\w*|příklad\w*|exempel|contoh|ví dụ",
)
_ILLUSTRATING_SIGNS = (
    r"пример|синтаксис|формат|выглядит|тег",
    r"例如|比如|示例|例子|范例|格式|语法|如下所示|样例|標籤|标签|工具调用|函数调用",
    r"たとえば|例えば|例\s*[:：]|の例|書式|構文|形式|のように|タグ|ツール呼び出し|関数呼び出し",
    r"예시|예를|예:|형식|구문|태그|도구 호출|함수 호출|उदाहरण|مثال|صيغة|דוגמה",
)
_ILLUSTRATES = re.compile(
    rf"\b(?:{'|'.join(_ILLUSTRATING_WORDS)})(?!\w)|{'|'.join(_ILLUSTRATING_SIGNS)}", re.IGNORECASE
)
"""Words about the form of a call rather than its purpose. Scripts without spaces have no word ends."""

_INTENDING_WORDS = (
    r"i['’]?ll|i will|i['’]m|i am|i need|i (?:have|want) to|i should|i must|let me|let['’]s|let us",
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
    r"(?:the above|this|that|these|those|which|here,?|both|each)\b(?! (?:will|should|may))",
    r"replace|note that|where",
    r"as you can see|in this|in (?:that|the above)|is (?:how|what|the)|and the|it (?:is|would|tells)",
    r"(?:the|every) (?:closing|opening|json|arguments?|names?|keys?|calls?|blocks?|objects?)",
    r"das |dies\w* |hier |ceci|cela|esto |eso |isto |questo ",
)
_LOOKS_BACK = re.compile(rf"(?:{'|'.join(_BACKWARD_WORDS)})(?!\w)", re.IGNORECASE)
"""How prose goes on after a picture."""

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n")
_HEADING = re.compile(r"#|(\*\*|__)[^*_]+\1:?\Z")
_ACTS = re.compile(
    r"(?:now )?(?:calling|checking|reading|running|searching|looking|fetching|getting|listing|opening)\b"
    r"(?![^\n]*\b(?:looks?|like)\b)",
    re.IGNORECASE,
)
"""How a sentence begins whose speaker is at it; others with a colon at their end may show a picture."""

_PARAGRAPH_END = re.compile(r"\n[ \t]*\n")
_LINE_THAT_QUOTES = re.compile(r"[ ]{0,3}(?:[>|#]|[-*+] |\d+[.)] )")
_SENTENCE_ENDS = frozenset(".!?:。！？：…)>]*")
_WIDEST_MARGIN = 3


def may_begin(line: str) -> bool:
    """Whether a call may begin behind this beginning of a line: at a margin, or after a sentence."""
    if not line.strip():
        return "\t" not in line and len(line) <= _WIDEST_MARGIN
    return line.rstrip()[-1] in _SENTENCE_ENDS and not _LINE_THAT_QUOTES.match(line)


def intends(before: str) -> bool:
    """Whether the last sentence announces an act."""
    last = _sentences(before)[-1:]
    return any(_announces(sentence) for sentence in last)


def introduces_picture(before: str) -> bool:
    """Whether the paragraph that leads up to a call speaks of how calls are written."""
    sentences = _sentences(before)
    if not sentences or intends(before):
        return False
    last = sentences[-1].strip()
    if _HEADING.match(last) or _SUPPOSES.match(last):
        return True
    if last[-1] in ":：" and not _ACTS.match(last):
        return True
    return any(_ILLUSTRATES.search(sentence) for sentence in sentences)


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
