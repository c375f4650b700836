"""
Walks through the text of one answer as it comes, and parts calls from prose.

Theory of operation. Text flows through until a place where a call may begin: an opening tag at a margin or
after a sentence, a fence, or a brace at the very beginning. There a grammar starts to read, and from then
on text is held. The grammar sleeps when it has read all there is. It ends in calls, which replace the text
it has read, or in anything else, which lets that text go as it came; then the walk goes on right behind the
place where it began. Within code, and where the prose speaks of calls as such, no grammar that could find a
call ever starts.
"""

import re
from collections.abc import Iterator
from itertools import groupby
from typing import TypeAlias

from domain.repair.forms import form_of
from domain.repair.illustration import intends, introduces_picture, may_begin
from domain.repair.reading import Cursor, Reading, run_of
from domain.repair.spoken_calls import Prose, Spoken, calls_among_prose, fenced_calls, whole_answer
from domain.repair.toolbox import Call, Toolbox
from domain.repair.untagged_calls import CodeBlock, InlineCode
from domain.values import value

LONGEST_CALL = 256 * 1024
"""Characters that may be held; whoever writes more without an end is not calling a tool."""

PATIENCE = 512 * 1024
"""Characters that may be read in vain in one answer: the bound on work for what only looks like calls."""

_FALSE_START = 16
"""What one vain reading costs beside its characters."""

_JUDGEMENT = 256
"""What it costs to judge the words before a call."""

_MEMORY = 400
"""Characters of prose that are remembered, to see what a call is introduced with."""

_SPOT = re.compile(r"(?P<marks>[`~]+)|(?<![\w,;\"'(/=+{-])<(?=[A-Za-z|｜]|\Z)|(?<!\w)\[(?=T|\Z)|(?<!\S)\{")
_SPOT_IN_CODE = re.compile(r"(?P<marks>`+)|\n")
_SPOT_IN_BLOCK = re.compile(r"(?P<marks>`+|~+)")
_MARKS = {"`": re.compile("`*"), "~": re.compile("~*")}
_REST_OF_MARGIN = re.compile(r"[ \t\r]*")
_SPACE = re.compile(r"\s*")
_LONGEST_SPACE = 4096


@value
class BlockEnd:
    """The last line of a fenced block."""


Outcome: TypeAlias = Spoken | InlineCode | CodeBlock | BlockEnd
Piece: TypeAlias = str | tuple[Call, ...]


class AnswerText:
    """
    One answer's text: `feed` it, take what is settled; `close` it for what was held.

    Attributes:
        forms: how the calls were written that have been found so far.
    """

    def __init__(self, toolbox: Toolbox, *, json_wanted: bool) -> None:
        self.forms: set[str] = set()
        self._toolbox = toolbox
        self._json_wanted = json_wanted
        self._cursor = Cursor()
        self._grammar: Reading[Outcome] | None = None
        self._began = 0
        self._reads_whole = False
        self._pieces: list[Piece] = []
        self._before = ""
        self._block = ""
        self._code = ""
        self._at_beginning = True
        self._has_called = False
        self._has_spoken = False
        self._illustrates = False
        self._patience = PATIENCE

    def __repr__(self) -> str:
        return f"<AnswerText holds {self._cursor.held} characters>"

    @property
    def holds(self) -> bool:
        return self._cursor.held > 0

    def feed(self, text: str) -> list[Piece]:
        """What is settled now: prose as it came, and calls in place of the text that they were."""
        self._cursor.append(text)
        return self._walk()

    def close(self) -> list[Piece]:
        """The rest: no more text comes."""
        self._cursor.ended = True
        return self._walk()

    def release(self) -> list[Piece]:
        """What was held, as it came: something else follows, and more text may come after that."""
        self._grammar, self._pieces = None, []
        self._cursor.position = len(self._cursor.text)
        self._say()
        self._at_beginning = not (self._has_spoken or self._has_called)
        self._before, self._code, self._block = "", "", ""
        return self._pieces

    def _walk(self) -> list[Piece]:
        self._pieces = []
        while self._find_grammar():
            outcome = self._resumed()
            if outcome is None:
                break
            self._settle(outcome)
        return list(_joined(self._pieces))

    def _resumed(self) -> Outcome | None:
        """What the grammar comes to; nothing while it waits for more text."""
        if self._grammar is None:
            return None
        try:
            next(self._grammar)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome if self._cursor.offset <= LONGEST_CALL else Prose()
        return Prose() if self._cursor.offset > LONGEST_CALL else None

    def _settle(self, outcome: Outcome) -> None:
        """Goes on behind what is settled. What was read beyond that will be read again, within bounds."""
        self._grammar = None
        read = min(self._cursor.offset, LONGEST_CALL)
        match outcome:
            case Prose(shown):
                self._illustrates |= shown
                self._cursor.go_to(self._began if self._reads_whole else self._began + 1)
            case InlineCode(marks):
                self._code = {"": marks, marks: ""}.get(self._code, self._code)
                self._cursor.go_to(self._began + len(marks))
            case CodeBlock(marks, opening, shown):
                self._illustrates |= shown
                self._block = marks
                self._cursor.go_to(opening)
            case BlockEnd():
                self._block = ""
            case calls:
                self._pieces.append(calls)
                self.forms.add(form_of(self._cursor.since(self._began)))
                self._cursor.start = self._cursor.position
                self._has_called = self._at_beginning = True
                return
        self._patience -= _FALSE_START + max(0, read - self._cursor.offset)

    def _find_grammar(self) -> bool:
        """Says prose up to the next place worth a reading; false when there is no such place yet."""
        cursor = self._cursor
        if self._grammar is None and self._at_beginning:
            self._begin()
        while self._grammar is None and not cursor.exhausted and not self._at_beginning:
            spot = self._next_spot()
            cursor.position = spot.start() if spot else len(cursor.text)
            if spot:
                self._consider(spot)
        if self._grammar is None and not self._at_beginning:
            self._say()
        return self._grammar is not None

    def _begin(self) -> None:
        """Passes the space before the first words, which is nothing to be said beside a call."""
        cursor = self._cursor
        match = _SPACE.match(cursor.text, cursor.position)
        cursor.position = match.end() if match else cursor.position
        too_long = cursor.offset > _LONGEST_SPACE
        if cursor.exhausted and not cursor.ended and not too_long:
            return
        self._at_beginning = False
        if self._has_called and (cursor.exhausted or not self._has_spoken) and not too_long:
            cursor.start = cursor.position
        elif not (self._has_called or cursor.exhausted or too_long):
            self._begin_whole_answer(cursor.text[cursor.position])

    def _begin_whole_answer(self, character: str) -> None:
        if character in "{[" and self._json_wanted:
            self._patience = 0
        elif character in "{[" or self._toolbox.begins_a_name(character):
            self._read(whole_answer(self._cursor, self._toolbox, self._is_illustrating), whole=True)

    def _next_spot(self) -> re.Match[str] | None:
        if self._patience <= 0:
            return None
        pattern = _SPOT_IN_BLOCK if self._block else _SPOT_IN_CODE if self._code else _SPOT
        return pattern.search(self._cursor.text, self._cursor.position)

    def _consider(self, spot: re.Match[str]) -> None:
        """Starts the grammar for what stands here, or passes it."""
        cursor, line = self._cursor, self._context().rpartition("\n")[2]
        marks, at_margin = spot["marks"], not line.strip()
        if self._block:
            self._read(_block_end(cursor, self._block)) if at_margin else self._pass(spot)
        elif marks and at_margin:
            may_call = may_begin(line) and not self._json_wanted
            self._read(fenced_calls(cursor, self._toolbox, self._is_illustrating, may_call=may_call))
        elif marks:
            self._read(_inline_code(cursor)) if marks[0] == "`" else self._pass(spot)
        elif self._code:
            self._code = "" if at_margin else self._code
            self._pass(spot)
        elif may_begin(line) and (at_margin or spot.group() != "{"):
            self._read(calls_among_prose(cursor, self._toolbox, self._is_illustrating))
        else:
            self._pass(spot)

    def _pass(self, spot: re.Match[str]) -> None:
        self._patience -= 1
        self._cursor.position = spot.end()

    def _read(self, grammar: Reading[Outcome], *, whole: bool = False) -> None:
        """Starts a grammar here. Space before the first words waits with it."""
        if self._has_spoken or not self._cursor.since(0).isspace():
            self._say()
        self._began = self._cursor.offset
        self._reads_whole = whole
        self._grammar = grammar

    def _say(self) -> None:
        cursor = self._cursor
        words = cursor.since(0)
        if words:
            self._before = self._context()
            self._has_spoken = self._has_spoken or not words.isspace()
            self._pieces.append(words)
        cursor.start = cursor.position

    def _context(self) -> str:
        """The last words before the place where the cursor stands."""
        cursor = self._cursor
        near = cursor.text[max(cursor.start, cursor.position - _MEMORY) : cursor.position]
        return (self._before + near)[-_MEMORY:]

    def _is_illustrating(self) -> bool:
        """Whether the words before the grammar that reads speak of how calls are written."""
        self._patience -= _JUDGEMENT
        return introduces_picture(self._before) or (self._illustrates and not intends(self._before))


def _inline_code(cursor: Cursor) -> Reading[InlineCode]:
    return InlineCode((yield from run_of(cursor, _MARKS["`"])))


def _block_end(cursor: Cursor, block: str) -> Reading[BlockEnd | Prose]:
    marks = yield from run_of(cursor, _MARKS[block[0]])
    if len(marks) < len(block):
        return Prose()
    yield from run_of(cursor, _REST_OF_MARGIN)
    return BlockEnd() if cursor.exhausted or cursor.stands_at("\n") else Prose()


def _joined(pieces: list[Piece]) -> Iterator[Piece]:
    for is_prose, group in groupby(pieces, key=lambda piece: isinstance(piece, str)):
        if is_prose:
            yield "".join(piece for piece in group if isinstance(piece, str))
        else:
            yield from group
