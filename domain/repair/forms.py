"""Names the form in which a model wrote a call as text."""

from domain.repair.token_calls import TOKEN_OPENERS

BARE_JSON = "bare-json"
FENCED_JSON = "fenced-json"
JSON_IN_TAGS = "json-in-tags"
PARAMETER_TAGS = "parameter-tags"
KEY_VALUE_TAGS = "key-value-tags"
TEMPLATE_TOKENS = "template-tokens"

FORMS = (BARE_JSON, FENCED_JSON, JSON_IN_TAGS, PARAMETER_TAGS, KEY_VALUE_TAGS, TEMPLATE_TOKENS)

_MARKS = ("`", "~")
_NESTED = ("<name>", "<parameter", "<parameters>", "<arguments>")


def form_of(text: str) -> str:
    """The form of the calls that this text is, told by its beginning and by the tags in it."""
    if text.startswith(_MARKS):
        return FENCED_JSON
    if text.startswith(TOKEN_OPENERS):
        return TEMPLATE_TOKENS
    if text.startswith(("{", "[")):
        return BARE_JSON
    if "<arg_key>" in text:
        return KEY_VALUE_TAGS
    return PARAMETER_TAGS if any(tag in text for tag in _NESTED) else JSON_IN_TAGS
