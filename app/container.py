"""The composition root: the one place that knows which class does what."""

import sys

from dependency_injector import containers, providers

from adapters.dialects.anthropic_messages.dialect import ANTHROPIC_MESSAGES
from adapters.dialects.openai_chat.dialect import OPENAI_CHAT
from adapters.outbound.kit import ProviderKit
from app.launch import Launch
from app.providers import Providers, known_secrets
from app.use_cases.converse import Converse
from app.use_cases.list_models import ListModels
from app.use_cases.plan import Planner
from app.version import gateway_version
from config.translate import routing_table
from infrastructure.clock import SystemClock
from infrastructure.events.fan_out import FanOut
from infrastructure.events.log_sink import LogSink
from infrastructure.http_clients import HttpClients
from infrastructure.logging import LineWriter, event_logger
from infrastructure.model_server.supervisor import EmbeddedModelServer
from infrastructure.secrets import Secrets


class Container(containers.DeclarativeContainer):
    """Everything a running gateway is made of; built synchronously, opened and closed by `app.lifespan`."""

    launch = providers.Dependency(instance_of=Launch)
    version = providers.Callable(gateway_version)

    table = providers.Singleton(routing_table, launch.provided.config)
    clock = providers.Singleton(SystemClock)
    secrets = providers.Singleton(Secrets, launch.provided.environment)

    log_stream = providers.Object(sys.stderr.buffer)
    log_writer = providers.Singleton(LineWriter, log_stream)
    logger = providers.Singleton(
        event_logger,
        log_writer,
        level=launch.provided.settings.log_level,
        as_json=launch.provided.logs_as_json,
        secrets=providers.Callable(known_secrets, table, secrets),
    )
    sink = providers.Singleton(FanOut, providers.Singleton(LogSink, logger))
