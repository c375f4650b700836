"""A scrape tells how budgets and plans stand, and does not fail with the state that knows it."""

from litestar import Litestar
from litestar.types import ASGIApp

from adapters.inbound.http.metrics import metrics_routes
from app.use_cases.quotas import Quotas
from app.use_cases.report_usage import ReportUsage
from domain.admission.quota import Per, Quota, Unit
from domain.budget.accounts import Account, AccountKind, Budget
from domain.budget.ledger import BudgetLedger
from domain.budget.money import from_usd
from infrastructure.metrics.book import MetricsBook
from infrastructure.metrics.counting import Alone
from infrastructure.metrics.instruments import Instruments
from infrastructure.metrics.recollection import Recollection
from tests.adapters.inbound.gateway import Client
from tests.fakes.fixed_clock import FixedClock
from tests.fakes.key_stores import StandingKeys
from tests.fakes.troubled_store import TroubledStore

CAP = 'coderouter_budget_cap_usd{account="member",name="anna",span="month"} 5.0'
PLAN = {
    'coderouter_quota_allowed{period="minute",provider="free",unit="requests"} 20.0',
    'coderouter_quota_used{period="minute",provider="free",unit="requests"} 3.0',
    'coderouter_quota_end_timestamp_seconds{period="minute",provider="free",unit="requests"} 1.80000006e+09',
}
UPTIME = "coderouter_uptime_seconds 0.0"


async def a_plan_in_use(store: TroubledStore, clock: FixedClock) -> Quotas:
    """Another process has used three requests of it."""
    await store.count(f"quota:free:requests:minute:{int(clock.time() // 60)}", 3, lasts_s=60.0)
    plan = {"free": (Quota(unit=Unit.REQUESTS, allowed=20, per=Per.MINUTE),)}
    quotas = Quotas(plan, store, clock, fresh_name=lambda: "batch")
    await quotas.share()
    return quotas


async def serving(store: TroubledStore) -> ASGIApp:
    clock = FixedClock()
    budgets = {Account(AccountKind.MEMBER, "anna"): Budget(monthly=from_usd(5.0))}
    book = MetricsBook(Instruments(Alone()), Recollection(clock), clock, version="1.2.3", config={})
    report = ReportUsage(store, BudgetLedger(budgets), clock, "UTC", StandingKeys())
    quotas = await a_plan_in_use(store, clock)
    return Litestar(metrics_routes(book, report, quotas), openapi_config=None)


async def scraped(store: TroubledStore) -> list[str]:
    answered = await Client(await serving(store), "/metrics", method="GET").run()
    assert answered.status == 200
    return answered.body.decode().splitlines()


async def test_budgets_and_plans_are_told_beside_what_was_counted() -> None:
    lines = await scraped(TroubledStore(FixedClock()))

    assert {CAP, UPTIME, *PLAN} <= set(lines)


async def test_without_the_state_all_else_is_told() -> None:
    store = TroubledStore(FixedClock())
    store.trouble = "the disk is away"

    lines = await scraped(store)

    assert {UPTIME, *PLAN} <= set(lines)
    assert CAP not in lines


async def test_a_state_that_does_not_answer_is_not_waited_for() -> None:
    store = TroubledStore(FixedClock())
    store.takes_s = 60.0

    lines = await scraped(store)

    assert UPTIME in lines
    assert CAP not in lines
