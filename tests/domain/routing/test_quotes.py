"""An attempt is quoted at the most it can cost, or not at all."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from domain.access.keys import ANYBODY, Caller
from domain.budget.accounts import Account, AccountKind, Budget, BudgetMode
from domain.budget.billing import LONGEST_ANSWER
from domain.budget.ledger import BudgetLedger
from domain.budget.money import from_usd
from domain.budget.pricing import price
from domain.conversation.built import Built
from domain.conversation.parts import Document, Image, InlineData, Link, Part, Text
from domain.conversation.request import ChatRequest, Conversation, Message, Role, Sampling
from domain.routing.facts import Facts
from domain.routing.gates import Asker, BarReason, Barred
from domain.routing.quotes import Quote, Quotes
from domain.routing.targets import Profile, ProviderSpec, RoutingTable, Target
from domain.tokens.request import TOOLS_PREAMBLE, request_tokens
from tests.fakes.plain_counter import PlainCounter

CLOUD = ProviderSpec(
    name="cloud", adapter="a", model="m", paid=True, price=price(input_usd=1.0, output_usd=10.0)
)
TARGET = Target("cloud", "m")
PROFILE = Profile(name="home", targets=(TARGET,))
ANNA = Caller(member="anna", key_id="k1", key_account="k1")
HARD = Budget(monthly=from_usd(1.0), mode=BudgetMode.HARD)
SOFT = Budget(monthly=from_usd(1.0))


def account(kind: AccountKind, name: str) -> Account:
    return Account(kind, name)


PROVIDER = account(AccountKind.PROVIDER, "cloud")
MEMBER = account(AccountKind.MEMBER, "anna")


def quoted(
    request: ChatRequest,
    budgets: Mapping[Account, Budget],
    *,
    spec: ProviderSpec = CLOUD,
    caller: Caller = ANNA,
    target: Target = TARGET,
    suffix: str = "",
) -> Quote | Barred:
    table = RoutingTable(providers={"cloud": spec}, profiles={"home": PROFILE}, default_profile="home")
    quotes = Quotes(table, BudgetLedger(budgets), at_most)
    facts = Facts(request, PlainCounter().count)
    return quotes.quote(Asker(facts=facts, profile=PROFILE, caller=caller), target, spec, suffix)


def at_most(text: str) -> int:
    return len(text.encode())


def asking(*, limit: int | None = 100, choices: int = 1, generates: bool = True) -> ChatRequest:
    said = Conversation(
        messages=(Message(role=Role.USER, parts=(Text(text="größer"),)),),
        sampling=Sampling(max_output_tokens=limit),
    )
    return ChatRequest(dialect="d", model="any", source=Built(said), choices=choices, generates=generates)


PROMPT = request_tokens(asking().conversation, at_most)


def amount(input_tokens: int, output_tokens: int) -> int:
    # A token written to the cache is the dearest, at 1.25 times the input rate.
    return input_tokens * 1250 + output_tokens * 10_000


def priced(found: Quote | Barred) -> Quote:
    assert isinstance(found, Quote)
    return found


def test_the_worst_case_is_the_dearest_input_and_the_longest_output() -> None:
    assert priced(quoted(asking(), {PROVIDER: HARD})).amount == amount(PROMPT, 100)


def test_every_choice_may_be_as_long_as_the_limit() -> None:
    assert priced(quoted(asking(choices=3), {MEMBER: HARD})).amount == amount(PROMPT, 300)


def test_no_answer_is_longer_than_its_context_window_whatever_the_client_allows() -> None:
    spec = replace(CLOUD, context_window=900)
    huge = 10**15

    assert priced(quoted(asking(limit=huge), {PROVIDER: SOFT}, spec=spec)).amount == amount(PROMPT, 900)
    assert priced(quoted(asking(limit=huge, choices=128), {PROVIDER: SOFT})).amount < 2**62


LINKED = Document(source=Link(url="http://example.com/a.pdf"))
SCANNED = Document(source=InlineData(media_type="application/pdf", base64="JVBERi0="))
WRITTEN = Document(source=InlineData(media_type="text/plain", base64="aGVsbG8="))


def showing(*parts: Part) -> ChatRequest:
    said = Conversation(
        messages=(Message(role=Role.USER, parts=parts),), sampling=Sampling(max_output_tokens=100)
    )
    return ChatRequest(dialect="d", model="any", source=Built(said))


def test_a_provider_that_adds_what_nobody_can_bound_has_no_place_under_a_hard_budget() -> None:
    spec = replace(CLOUD, costly_fields=("web_search_options",), context_window=9_000)
    usual = json.dumps({"max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}).encode()

    for request in (asking(), OPENAI_CHAT.decode_request(usual, {})):
        assert quoted(request, {MEMBER: HARD}, spec=spec) == Barred(TARGET, BarReason.NO_COST_BOUND)
        assert isinstance(quoted(request, {MEMBER: SOFT}, spec=spec), Quote)
    assert isinstance(quoted(asking(generates=False), {MEMBER: HARD}, spec=spec), Quote)


def test_an_answer_that_was_said_aloud_has_no_place_under_a_hard_budget() -> None:
    turns = [{"role": "assistant", "audio": {"id": "audio_1"}}, {"role": "user", "content": "go on"}]
    body = json.dumps({"model": "m", "max_tokens": 100, "messages": turns}).encode()

    found = quoted(OPENAI_CHAT.decode_request(body, {}), {MEMBER: HARD})

    assert found == Barred(TARGET, BarReason.NO_COST_BOUND)


@pytest.mark.parametrize("document", [LINKED, SCANNED])
def test_a_document_that_nobody_can_measure_has_no_place_under_a_hard_budget(document: Document) -> None:
    unbound = quoted(showing(document), {MEMBER: HARD})
    window = quoted(showing(document), {MEMBER: HARD}, spec=replace(CLOUD, context_window=9_000))
    soft = quoted(showing(document), {MEMBER: SOFT})

    assert unbound == Barred(TARGET, BarReason.NO_COST_BOUND)
    assert priced(window).amount == amount(9_000, 100)
    assert priced(soft).amount == amount(1_048_576, 100)
    assert priced(quoted(showing(WRITTEN), {MEMBER: HARD})).amount > amount(0, 100)


@pytest.mark.parametrize("budget", [SOFT, HARD], ids=["soft", "hard"])
def test_what_may_stay_in_a_cache_for_an_hour_may_cost_twice_the_input(budget: Budget) -> None:
    said = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]}
    plain, marked = (
        ANTHROPIC_MESSAGES.decode_request(json.dumps({**said, "system": system}).encode(), {})
        for system in (
            [{"type": "text", "text": "be brief", "cache_control": {"type": "ephemeral", "ttl": ttl}}]
            for ttl in ("5m", "1h")
        )
    )

    brief, hour = (priced(quoted(one, {MEMBER: budget})).amount - 9 * 10_000 for one in (plain, marked))

    assert hour == brief * 2 / 1.25


@pytest.mark.parametrize("budget", [SOFT, HARD], ids=["soft", "hard"])
def test_a_picture_may_take_as_many_tokens_as_any_model_makes_of_one(budget: Budget) -> None:
    seen = showing(Image(source=Link(url="http://example.com/a.png")))
    claude = replace(CLOUD, adapter="anthropic")

    assert priced(quoted(seen, {MEMBER: budget})).amount > amount(48_169, 100)
    assert (
        amount(4_784, 100) < priced(quoted(seen, {MEMBER: budget}, spec=claude)).amount < amount(48_169, 100)
    )


@pytest.mark.parametrize(
    ("body", "barred"),
    [
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, True),
        ({"mcp_servers": [{"url": "http://127.0.0.1:9"}]}, True),
        ({"models": ["dear/model"]}, True),
        ({"service_tier": "priority"}, True),
        ({"service_tier": "auto"}, False),
        ({"tools": [{"name": "web_search", "input_schema": {}}, {"type": "custom", "name": "b"}]}, False),
        ({"tools": [{"type": "bash_20250124", "name": "bash"}]}, False),
    ],
    ids=str,
)
def test_what_a_vendor_runs_by_itself_has_no_place_under_a_hard_budget(
    body: dict[str, Any], barred: bool
) -> None:
    said = {"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "hi"}], **body}
    request = ANTHROPIC_MESSAGES.decode_request(json.dumps(said).encode(), {})
    claude = replace(CLOUD, adapter="anthropic", context_window=9_000)

    found = quoted(request, {MEMBER: HARD}, spec=claude)

    assert (found == Barred(TARGET, BarReason.NO_COST_BOUND)) is barred
    assert isinstance(quoted(request, {MEMBER: SOFT}, spec=claude), Quote)
    assert isinstance(quoted(request, {MEMBER: HARD}), Quote)


def test_instructions_of_the_configuration_are_paid_for_too() -> None:
    assert priced(quoted(asking(), {PROVIDER: HARD}, suffix="brief!")).amount == amount(PROMPT + 6, 100)


def test_embeddings_have_no_output_to_pay_for() -> None:
    request = asking(limit=None, generates=False)

    assert priced(quoted(request, {PROVIDER: HARD})).amount == amount(PROMPT, 0)


@pytest.mark.parametrize(
    ("changes", "tokens"),
    [({"output_limit": 50}, 50), ({"context_window": 900}, 900), ({}, None)],
)
def test_without_a_limit_of_the_client_the_targets_counts_or_a_hard_budget_bars_it(
    changes: dict[str, Any], tokens: int | None
) -> None:
    spec = replace(CLOUD, **changes)

    found = quoted(asking(limit=None), {PROVIDER: HARD}, spec=spec)

    if tokens is None:
        assert found == Barred(TARGET, BarReason.NO_OUTPUT_BOUND)
    else:
        assert priced(found).amount == amount(PROMPT, tokens)


@pytest.mark.parametrize(
    ("changes", "tokens"),
    [
        ({"output_limit": 50}, 50),
        ({"context_window": 900}, 900),
        ({"context_window": 1_048_576}, 1_048_576),
        ({}, LONGEST_ANSWER),
        ({"longest_answer": 700}, 700),
        ({"longest_answer": 700, "output_limit": 50}, 50),
        ({"longest_answer": 700, "output_limit": 800}, 800),
        ({"longest_answer": 700, "context_window": 600}, 600),
        ({"longest_answer": 700, "context_window": 900}, 700),
    ],
)
def test_a_soft_budget_takes_an_answer_without_a_limit_for_the_longest_that_there_are(
    changes: dict[str, Any], tokens: int
) -> None:
    spec = replace(CLOUD, **changes)

    found = quoted(asking(limit=None), {PROVIDER: SOFT}, spec=spec)

    assert priced(found).amount == amount(PROMPT, tokens)


def test_what_a_vendor_tells_of_the_longest_answer_limits_none_that_a_client_may_ask_for() -> None:
    spec = replace(CLOUD, longest_answer=700)

    assert priced(quoted(asking(limit=900), {PROVIDER: SOFT}, spec=spec)).amount == amount(PROMPT, 900)


def test_a_hard_budget_does_not_rely_on_what_a_vendor_tells_of_the_longest_answer() -> None:
    told = replace(CLOUD, longest_answer=700)
    unbound = quoted(asking(limit=None), {PROVIDER: HARD}, spec=told)
    window = quoted(asking(limit=None), {PROVIDER: HARD}, spec=replace(told, context_window=900))

    assert unbound == Barred(TARGET, BarReason.NO_OUTPUT_BOUND)
    assert priced(window).amount == amount(PROMPT, 900)


def test_several_answers_without_a_limit_are_as_many_of_the_longest() -> None:
    request = asking(limit=None, choices=3)

    assert priced(quoted(request, {PROVIDER: SOFT})).amount == amount(PROMPT, 3 * LONGEST_ANSWER)


def test_everybody_with_a_name_pays_and_nobody_else() -> None:
    found = priced(quoted(asking(), {PROVIDER: SOFT}))
    anonymous = priced(quoted(asking(), {PROVIDER: SOFT}, caller=ANYBODY))

    kinds = [account.kind for account in found.accounts]
    assert kinds == [AccountKind.PROVIDER, AccountKind.PROFILE, AccountKind.MEMBER, AccountKind.KEY]
    assert [account.name for account in anonymous.accounts] == ["cloud", "home"]


def test_budgets_that_come_and_go_hold_from_the_next_request_on() -> None:
    table = RoutingTable(providers={"cloud": CLOUD}, profiles={"home": PROFILE}, default_profile="home")
    ledger = BudgetLedger({})
    quotes = Quotes(table, ledger, at_most)
    key = Account(AccountKind.KEY, ANNA.key_account)
    bounded = []

    for budgets in ({}, {key: HARD}, {MEMBER: SOFT}, {}):
        ledger.rebudget(budgets)
        facts = Facts(asking(), PlainCounter().count)
        found = quotes.quote(Asker(facts=facts, profile=PROFILE, caller=ANNA), TARGET, CLOUD)
        bounded.append(priced(found).is_bounded)

    assert bounded == [False, True, True, False]


def test_a_context_window_that_was_learned_holds_from_the_next_request_on() -> None:
    table = RoutingTable(providers={"cloud": CLOUD}, profiles={"home": PROFILE}, default_profile="home")
    quotes = Quotes(table, BudgetLedger({PROVIDER: SOFT}), at_most)
    amounts = []

    for window in (None, 8000, 4000):
        spec = replace(CLOUD, context_window=window)
        asker = Asker(facts=Facts(asking(limit=6000), PlainCounter().count), profile=PROFILE, caller=ANNA)
        amounts.append(priced(quotes.quote(asker, TARGET, spec)).amount)

    assert amounts == [amount(PROMPT, tokens) for tokens in (6000, 6000, 4000)]


def test_each_key_profile_and_member_pays_for_itself() -> None:
    away = replace(PROFILE, name="away")
    profiles = {"home": PROFILE, "away": away}
    table = RoutingTable(providers={"cloud": CLOUD}, profiles=profiles, default_profile="home")
    quotes = Quotes(table, BudgetLedger({PROVIDER: SOFT}), at_most)
    others = [
        (ANNA, away),
        (replace(ANNA, key_account="another"), PROFILE),
        (replace(ANNA, member="ben"), PROFILE),
        (ANNA, PROFILE),
    ]

    paying = [
        priced(quotes.quote(asker, TARGET, CLOUD)).accounts
        for asker in (
            Asker(facts=Facts(asking(), len), profile=profile, caller=caller) for caller, profile in others
        )
    ]

    names = [[account.name for account in accounts] for accounts in paying]
    assert names == [["cloud", profile.name, caller.member, caller.key_account] for caller, profile in others]


def test_without_a_budget_spending_is_counted_and_nothing_reserved() -> None:
    found = priced(quoted(asking(limit=None), {}))

    assert (found.amount, found.is_bounded, len(found.accounts)) == (0, False, 4)


def test_a_paid_model_without_a_price_is_barred_where_a_budget_applies() -> None:
    unknown = replace(CLOUD, price=None)
    for spec, target in ((unknown, TARGET), (CLOUD, Target("cloud", "another"))):
        found = quoted(asking(), {MEMBER: SOFT}, spec=spec, target=target)
        assert found == Barred(target, BarReason.UNPRICED)

    assert isinstance(quoted(asking(), {}, spec=unknown), Quote)
    assert isinstance(quoted(asking(), {MEMBER: SOFT}, spec=replace(unknown, allow_unpriced=True)), Quote)


def test_what_is_free_is_asked_whatever_budgets_say_but_its_own() -> None:
    for spec in (replace(CLOUD, price=None, paid=False), replace(CLOUD, price=price(input_usd=0.0))):
        free = priced(quoted(asking(limit=None), {MEMBER: HARD}, spec=spec))
        closed = priced(quoted(asking(limit=None), {PROVIDER: Budget(monthly=from_usd(0.0))}, spec=spec))

        assert (free.accounts, free.is_bounded) == ((), False)
        assert (closed.accounts, closed.is_bounded) == ((PROVIDER,), True)


@pytest.mark.parametrize("mode", BudgetMode)
def test_a_budget_of_nothing_closes_a_provider_that_is_free(mode: BudgetMode) -> None:
    nothing = {PROVIDER: Budget(monthly=from_usd(0.0), mode=mode)}

    free = priced(quoted(asking(limit=None), nothing, spec=replace(CLOUD, price=None, paid=False)))

    assert BudgetLedger(nothing).exceeded(free.accounts, free.amount, now=0.0) is not None


class Sized(Built):
    """A request that knows its size."""

    @property
    def has_only_words(self) -> bool:
        return True

    @property
    def most_bytes(self) -> int | None:
        return 1000


def test_a_request_without_pictures_is_not_read_but_measured() -> None:
    request = replace(asking(), source=Sized(asking().conversation))

    assert priced(quoted(request, {PROVIDER: HARD})).amount == amount(1000 + TOOLS_PREAMBLE, 100)


def test_a_picture_is_paid_for_by_its_size_and_not_by_its_bytes() -> None:
    parts = (Text(text="x"), Image(source=Link(url="https://example.com/a.png")))
    said = Conversation(messages=(Message(role=Role.USER, parts=parts),))
    request = replace(asking(), source=Built(replace(said, sampling=Sampling(max_output_tokens=1))))

    found = priced(quoted(request, {PROVIDER: SOFT}))

    assert found.amount == amount(request_tokens(said, at_most) + 48_169, 1)
