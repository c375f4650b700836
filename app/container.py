"""The composition root: the one place that knows which class does what."""

import asyncio
import sys
from collections.abc import Mapping
from types import MappingProxyType

from dependency_injector import containers, providers

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.dialect import Dialect
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.dialects.openai_completions.dialect import OPENAI_COMPLETIONS
from adapters.dialects.openai_responses.dialect import OPENAI_RESPONSES
from adapters.inbound.http.conversation import ConversationRoute, InboundLimits
from adapters.inbound.http.count_tokens import CountTokensRoute
from adapters.inbound.http.embeddings import EmbeddingsRoute
from adapters.inbound.http.routes import Envelopes
from adapters.inbound.http.status import Readiness
from adapters.outbound.kit import ProviderKit
from app.keys import Keys
from app.launch import Launch
from app.providers import Providers, known_secrets
from app.shared_names import shared_names
from app.state import is_shared, may_hold_something, snapshots_of, store_at
from app.use_cases.admission import Admission, rooms_of
from app.use_cases.bookkeeping import Bookkeeper, OnFailure
from app.use_cases.converse import Converse
from app.use_cases.count_tokens import CountTokens
from app.use_cases.embed import Embed
from app.use_cases.explain import Explain
from app.use_cases.half_open import HalfOpen
from app.use_cases.health_sharing import HealthSharing
from app.use_cases.key_allowances import KeyAllowances
from app.use_cases.learn_windows import LearnWindows
from app.use_cases.limit_sharing import LimitSharing
from app.use_cases.list_models import ListModels
from app.use_cases.manage_health import ManageHealth
from app.use_cases.manage_keys import ManageKeys
from app.use_cases.member_limits import MemberLimits
from app.use_cases.plan import Planner
from app.use_cases.plan_news import PlanNews
from app.use_cases.probe_providers import ProbeProviders, probed_names
from app.use_cases.quotas import Quotas
from app.use_cases.rehearse import Rehearse
from app.use_cases.report_usage import ReportUsage
from app.use_cases.seat_sharing import SeatSharing
from app.use_cases.shared_records import SharedRecords
from app.use_cases.spending import BudgetGate, Spending
from app.use_cases.trace_sharing import TraceSharing
from app.use_cases.usage_journal import UsageJournal
from app.use_cases.wake_hosts import WakeHosts
from app.use_cases.watch_context import WatchContext
from app.use_cases.watch_health import WatchHealth
from app.use_cases.window_sharing import WindowSharing
from app.version import gateway_version
from config.in_short import config_in_short
from config.schema.root import Config
from config.schema.server import Server
from config.state_location import SharedServer, StateLocation, state_location
from config.translate import routing_table
from config.translate_access import member_permissions, written_keys
from config.translate_admission import limits_of, plans_of, weights_of
from config.translate_money import budgets_of
from domain.budget.ledger import BudgetLedger
from domain.health.roster import Roster
from domain.routing.quotes import Quotes
from domain.routing.targets import RoutingTable
from infrastructure.clock import SystemClock
from infrastructure.events.event_log import EventLog
from infrastructure.events.fan_out import FanOut
from infrastructure.events.trace_ring import TraceRing
from infrastructure.http_clients import HttpClients
from infrastructure.key_material import fresh_id, fresh_secret
from infrastructure.lan_hosts import LanHosts
from infrastructure.metrics.book import MetricsBook
from infrastructure.metrics.connecting import ConnectingTimes
from infrastructure.metrics.counting import counting
from infrastructure.metrics.instruments import Instruments
from infrastructure.metrics.metrics_sink import MetricsSink
from infrastructure.metrics.recollection import Recollection
from infrastructure.model_server.absent import AbsentModelServer
from infrastructure.model_server.child import ModelOptions
from infrastructure.model_server.supervisor import EmbeddedModelServer
from infrastructure.model_server.weights import ModelInstalled, ModelMissing, find_embedded_model
from infrastructure.request_ids import RequestIds
from infrastructure.secrets import Secrets
from infrastructure.state.key_records import KeyRecords
from infrastructure.tokens import TokenEstimator

DIALECTS: Mapping[str, Dialect] = MappingProxyType(
    {
        dialect.name: dialect
        for dialect in (OPENAI_CHAT, ANTHROPIC_MESSAGES, OPENAI_RESPONSES, OPENAI_COMPLETIONS)
    }
)
"""The languages that clients may speak."""


def _model_server() -> EmbeddedModelServer | AbsentModelServer:
    match find_embedded_model():
        case ModelInstalled(weights=weights):
            return EmbeddedModelServer(ModelOptions(weights=str(weights)))
        case ModelMissing() as missing:
            return AbsentModelServer(missing)


def _known_secrets(table: RoutingTable, secrets: Secrets, location: StateLocation) -> tuple[str, ...]:
    password = location.password if isinstance(location, SharedServer) else ""
    return (*known_secrets(table, secrets), *([password] if password else []))


def _zone(config: Config) -> str:
    return config.display_timezone or "UTC"


def _base_urls(table: RoutingTable) -> list[str]:
    return [provider.base_url for provider in table.providers.values() if provider.base_url]


def _user_agent() -> str:
    return f"coderouter/{gateway_version()}"


def _limits(server: Server) -> InboundLimits:
    return InboundLimits(
        max_body_bytes=server.max_body_bytes,
        stream_hold_s=server.stream_hold_s,
        ping_interval_s=server.ping_interval_s,
    )


class Container(containers.DeclarativeContainer):
    """Everything a running gateway is made of; built synchronously, opened and closed by `app.lifespan`."""

    launch = providers.Dependency(instance_of=Launch)
    version = providers.Callable(gateway_version)

    # infrastructure
    clock = providers.Singleton(SystemClock)
    ids = providers.Singleton(RequestIds)
    secrets = providers.Singleton(Secrets, launch.provided.environment)
    model_server = providers.Singleton(_model_server)
    table = providers.Singleton(routing_table, launch.provided.config, launch.provided.registry)

    state_location = providers.Singleton(
        state_location, launch.provided.config.state, launch.provided.environment
    )

    log_stream = providers.Object(sys.stderr.buffer)
    event_log = providers.Singleton(
        EventLog,
        log_stream,
        level=launch.provided.settings.log_level,
        as_json=launch.provided.logs_as_json.call(log_stream),
        mirror=launch.provided.settings.events_path,
        secrets=providers.Callable(_known_secrets, table, secrets, state_location),
    )
    traces = providers.Singleton(TraceRing, clock)
    instruments = providers.Singleton(Instruments, providers.Callable(counting, launch.provided.environment))
    connecting = providers.Singleton(ConnectingTimes, instruments, providers.Callable(_base_urls, table))
    http_clients = providers.Singleton(HttpClients, connected=connecting.provided.connected)
    recollection = providers.Singleton(Recollection, clock)
    metrics = providers.Singleton(
        MetricsBook,
        instruments,
        recollection,
        clock,
        version=version,
        config=providers.Callable(config_in_short, launch.provided.config),
    )
    journal = providers.Singleton(UsageJournal, clock, ids)
    sink = providers.Singleton(
        FanOut, event_log, traces, providers.Singleton(MetricsSink, instruments), recollection, journal
    )

    # outbound
    provider_kit = providers.Factory(
        ProviderKit,
        transport=http_clients.provided.transport,
        clock=clock,
        model_server=model_server,
        user_agent=providers.Callable(_user_agent),
    )
    plan_news = providers.Singleton(PlanNews)
    directory = providers.Singleton(
        Providers, table, secrets, provider_kit.provider, plan_news, launch.provided.source
    )

    # state
    store = providers.Singleton(store_at, state_location, clock, launch.provided.source)

    # access
    members = providers.Singleton(member_permissions, launch.provided.config)
    key_store = providers.Singleton(KeyRecords, store)
    manage_keys = providers.Singleton(
        ManageKeys,
        key_store,
        clock,
        members,
        profiles=table.provided.profiles,
        providers=table.provided.providers,
        fresh_id=providers.Object(fresh_id),
        fresh_secret=providers.Object(fresh_secret),
    )

    # admission
    is_shared = providers.Callable(is_shared, launch.provided.config, state_location)
    somebody_waits = providers.Singleton(asyncio.Event)
    admission = providers.Singleton(
        Admission,
        providers.Callable(rooms_of, table.provided.providers),
        providers.Callable(weights_of, launch.provided.config),
        launch.provided.config.session.background_models,
        sink,
        clock,
        seats_are_shared=is_shared,
        somebody_waits=somebody_waits,
    )
    seat_sharing = providers.Singleton(
        SeatSharing, store, admission.provided.doors.values.call(), somebody_waits
    )
    member_limits = providers.Singleton(
        MemberLimits, providers.Callable(limits_of, launch.provided.config), sink, clock
    )
    limit_sharing = providers.Singleton(
        LimitSharing, member_limits, store, clock, own_name=ids.provided.call()
    )
    quotas = providers.Singleton(
        Quotas,
        providers.Callable(plans_of, launch.provided.config),
        store,
        clock,
        fresh_name=ids,
    )

    # money
    token_counter = providers.Singleton(TokenEstimator)
    budgets = providers.Singleton(budgets_of, launch.provided.config)
    ledger = providers.Singleton(BudgetLedger, budgets)
    bookkeeper = providers.Singleton(
        Bookkeeper,
        ledger,
        journal,
        store,
        sink,
        clock,
        on_failure=providers.Callable(OnFailure, launch.provided.config.state.on_failure),
        retention_days=launch.provided.config.usage.retention_days,
    )
    key_allowances = providers.Singleton(KeyAllowances, budgets, bookkeeper, member_limits, clock)
    keys = providers.Singleton(
        Keys,
        providers.Callable(written_keys, launch.provided.config),
        members,
        key_store,
        sink,
        clock,
        holds_something=providers.Callable(may_hold_something, state_location),
        on_change=key_allowances.provided.grant,
    )
    report_usage = providers.Singleton(
        ReportUsage, store, ledger, clock, providers.Callable(_zone, launch.provided.config), keys
    )
    snapshots = providers.Singleton(snapshots_of, state_location)
    quotes = providers.Singleton(Quotes, table, ledger, token_counter.provided.at_most)

    # health
    records = providers.Singleton(SharedRecords, clock)
    roster = providers.Singleton(Roster, records, providers.Callable(probed_names, table, directory))
    watch_health = providers.Singleton(WatchHealth, roster, table, sink, clock, plan_news)
    wake_hosts = providers.Singleton(
        WakeHosts,
        table.provided.providers.values.call(),
        providers.Singleton(LanHosts),
        sink,
        clock,
    )
    learn_windows = providers.Singleton(LearnWindows, table, sink, clock)
    manage_health = providers.Singleton(ManageHealth, roster, table, sink, clock, learn_windows, wake_hosts)
    provider_names = providers.Singleton(shared_names, table, secrets)
    health_sharing = providers.Singleton(
        HealthSharing,
        records,
        store,
        sink,
        clock,
        names=provider_names,
        reset_elsewhere=manage_health.provided.forgiven_elsewhere,
    )
    window_sharing = providers.Singleton(WindowSharing, learn_windows, store, clock, names=provider_names)

    # use cases
    gates = providers.List(
        providers.Singleton(BudgetGate, quotes, ledger, bookkeeper, clock),
        quotas.provided.gate,
        watch_health.provided.gate,
    )
    companions = providers.List(
        admission,
        watch_health,
        learn_windows,
        quotas,
        providers.Singleton(Spending, quotes, bookkeeper, sink),
    )
    planner = providers.Singleton(
        Planner, table, directory, sink, clock, token_counter, gates=gates, standings=watch_health
    )
    converse = providers.Singleton(Converse, table, planner, directory, sink, clock, companions, wake_hosts)
    list_models = providers.Singleton(ListModels, table)
    rehearse = providers.Singleton(Rehearse, planner, wake_hosts, members)
    trace_sharing = providers.Singleton(
        TraceSharing,
        traces,
        store,
        own_name=ids.provided.call(),
        fresh_name=ids,
    )
    explain = providers.Singleton(Explain, traces, trace_sharing, is_shared=is_shared)
    count_tokens = providers.Singleton(CountTokens, token_counter, planner, directory, sink, clock)
    probe_providers = providers.Singleton(
        ProbeProviders, table, directory, sink, providers.List(watch_health), wake_hosts
    )
    half_open = providers.Singleton(HalfOpen, roster, table, probe_providers, clock)
    embed = providers.Singleton(Embed, table, planner, directory, sink, clock, companions, wake_hosts)

    # inbound
    readiness = providers.Singleton(Readiness)
    dialects = providers.Object(DIALECTS)
    limits = providers.Singleton(_limits, launch.provided.config.server)
    envelopes = providers.Singleton(Envelopes, openai=OPENAI_CHAT, anthropic=ANTHROPIC_MESSAGES)
    conversation_route = providers.Factory(
        ConversationRoute,
        converse=converse,
        sink=sink,
        clock=clock,
        ids=ids,
        limits=limits,
        member_limits=member_limits,
        watch=providers.Singleton(WatchContext, token_counter, sink),
        session_header=launch.provided.config.session.header,
    )
    chat_completions = providers.Singleton(conversation_route, dialect=OPENAI_CHAT)
    messages = providers.Singleton(conversation_route, dialect=ANTHROPIC_MESSAGES)
    responses = providers.Singleton(conversation_route, dialect=OPENAI_RESPONSES)
    completions = providers.Singleton(conversation_route, dialect=OPENAI_COMPLETIONS)
    embeddings_route = providers.Singleton(
        EmbeddingsRoute,
        embed=embed,
        sink=sink,
        clock=clock,
        ids=ids,
        limits=limits,
        member_limits=member_limits,
    )
    count_tokens_route = providers.Singleton(
        CountTokensRoute,
        count_tokens=count_tokens,
        sink=sink,
        ids=ids,
        limits=limits,
    )


def container_for(launch: Launch) -> Container:
    """A container for one gateway; nothing is built yet."""
    return Container(launch=launch)
