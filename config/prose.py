"""The words around the tables of the configuration reference."""

OPENING = """\
# Configuration

*This page is generated from the schema; `python -m config.manual` writes it again.*

The gateway is described by one YAML file, `providers.yaml`. It is looked for in this order, and the
first one that exists is used:

1. the path given with `--config` (it must exist);
2. the path in `CODEROUTER_CONFIG` (it must exist);
3. `./providers.yaml`;
4. `~/.coderouter/providers.yaml`;
5. none: a configuration is [made from what is found](#without-a-file).

A key that is not listed below is an error, and so is a value of the wrong type; numbers and booleans may
stand in quotes. All problems are told at once, each with its file, line and key path, what was found and
what would be right.

For completion and checking in an editor, put this line at the top of the file:

```yaml
# yaml-language-server: $schema=docs/configuration.schema.json
```

The shortest useful file:

```yaml
providers:
  - name: local
    base_url: http://127.0.0.1:11434/v1
    model: qwen2.5-coder:7b
profiles:
  - name: default
    providers: [local]
```

## Variables in values

`${VAR}` is replaced by an environment variable, `${VAR:-default}` by the default when the variable is
unset or empty, and `$${` is a plain `${`. This happens in `base_url`, `model`, `api_key_file`, the
values of `headers` and text anywhere in `options`; elsewhere the text stays as it is. A variable that is
not set and has no default is an error.

Keys are never written into the file: `api_key_env` names the variable that holds the key, `api_key_file`
the file.

## Time-outs

An explicit `timeout_s` fills `ttft_timeout_s` and `idle_timeout_s` where they are unset at its level
(provider or profile) and bounds `connect_timeout_s`. What a profile says beats what its providers say.
With nothing set: connecting 5 s, the first content 600 s for local and lan providers and 120 s for the
cloud, silence within an answer 120 s, the whole attempt without bound.
"""

KINDS_TITLE = "## Kinds of providers\n"

VARIABLES = """
For an adapter of your own say `adapter:` instead of `kind:`.

## Environment variables

A command-line flag beats a variable, a variable beats the file, and the file beats the default. An empty
variable counts as unset.

| variable | meaning |
|---|---|
| `CODEROUTER_CONFIG` | the configuration file |
| `CODEROUTER_MODE` | a profile or a mode alias to use as `default_profile` |
| `ALLOW_PAID` | `1`, `true`, `yes`, `on` or `0`, `false`, `no`, `off`: takes the place of `allow_paid`; \
anything else is ignored |
| `CODEROUTER_SERVER__<KEY>`, `CODEROUTER_SESSION__<KEY>` | a key of that section, such as \
`CODEROUTER_SERVER__PORT=9000`; lists are separated by commas |
| `CODEROUTER_LOG_LEVEL` | `debug`, `info` (default), `warning`, `error` |
| `CODEROUTER_LOG_FORMAT` | `auto` (default: for people on a terminal, else JSON), `json`, `console` |
| `CODEROUTER_EVENTS_PATH` | a file that gets every event as a line of JSON |

## `.env` files

`--env-file` reads variables from a file: one `NAME=value` a line, `#` begins a comment line, `export `
may stand in front. A bare value ends before a `#` that follows a blank. In double quotes `\\n`, `\\t`,
`\\r`, `\\"`, `\\\\`, `\\$` and an escaped backtick are escapes; single quotes are literal. Nothing is
expanded, and a value is one line. What is set already stays, unless `--env-file-override` is given. No
`.env` is read unasked.
"""

ZERO_TITLE = """\
## Without a file

The chain is built from what is there: servers on this machine first, then vendors with a free plan, then
paid vendors, which stay off until `ALLOW_PAID=true`. The small embedded model is used when its extra is
installed and nothing else is found. Any other model that a local server lists can be asked for by its
own name.
"""

KEYS_TITLE = """
## Keys

`[]` stands for an entry of a list and `<name>` for a name that you choose."""

MODELS_TITLE = """
## What models can do

What a provider does not say about itself under `capabilities` is looked up by its model. The gateway
brings rules along for models that are known; `~/.coderouter/model-capabilities.yaml` adds your own, which
come first. Rules are read in order, and each flag is fixed by the first rule that matches and says it. What
no rule says is unknown, and unknown never bars or reorders a target.

```yaml
version: 1
rules:
  - match: "qwen3-mine:*"
    kind: openai_compat
    capabilities: {tools: true, thinking: false, max_context_tokens: 32768}
```"""
