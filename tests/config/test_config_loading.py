"""Where the configuration is said, which saying goes first, and what is told of mistakes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from congresslite.config.errors import ConfigError
from congresslite.config.loading import Loaded, load_config
from congresslite.config.models import Config, SourceSettings
from congresslite.config.showing import shown

DIGEST = "0" * 64


def load(folder: Path, text: str | None, env: dict[str, str] | None = None, **flags: Any) -> Loaded:
    """Read a configuration file with this text."""
    path = None
    if text is not None:
        path = folder / "etc" / "congresslite.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return load_config(path, env or {}, {name.replace("__", "."): value for name, value in flags.items()})


def told(error: ConfigError) -> list[str]:
    """Findings as code and place."""
    return [f"{each.code} {each.where.rpartition('/')[2]}" for each in error.diagnostics]


def test_defaults(tmp_path: Path) -> None:
    """Without a file, everything has a value, and only this machine can connect."""
    config = load(tmp_path, None).config
    assert config == Config()
    assert (config.server.host, config.server.port, config.server.loopback) == ("127.0.0.1", 8181, True)
    assert not config.auth_required
    assert config.database_url == "sqlite:///congresslite-state/congresslite.sqlite"
    assert config.key_file == Path("congresslite-state/secret.key")


def test_precedence(tmp_path: Path) -> None:
    """A flag goes before the environment, that before the file, and that before the default."""
    text = "server: {threads: 2, streams: 3, body_limit: 5KB}\n"
    env = {"CONGRESSLITE_SERVER__THREADS": "4", "CONGRESSLITE_SERVER__STREAMS": "5", "OTHER": "x"}
    loaded = load(tmp_path, text, env, server__threads=6, server__listen=None)
    server = loaded.config.server
    assert (server.threads, server.streams, server.body_limit, server.listen) == (6, 5, 5000, "127.0.0.1:8181")
    origins = {each.key: str(each.origin).rpartition("/")[2] for each in shown(loaded)}
    assert origins["server.threads"] == "flag `server.threads`"
    assert origins["server.streams"] == "env CONGRESSLITE_SERVER__STREAMS"
    assert origins["server.body_limit"] == "congresslite.yaml:1"
    assert origins["server.listen"] == "default"


def test_the_file_of_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`congresslite.yaml` is read if it is there and no other file is named; a named one must be there."""
    monkeypatch.chdir(tmp_path)
    Path("congresslite.yaml").write_text("log: {level: debug}\n", encoding="utf-8")
    assert load_config(None, {}, {}).config.log.level == "debug"
    Path("other.yaml").write_text("log: {format: console}\n", encoding="utf-8")
    assert load_config(Path("other.yaml"), {}, {}).config.log.level == "info"
    with pytest.raises(ConfigError, match="CL402"):
        load_config(Path("lost.yaml"), {}, {})


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    """What a file names lies beside it; what the environment or a flag names is seen from here."""
    text = """\
state: data
policies: [rules, /abs/nfv.dl]
server: {tls: {certificate: a.pem, key: ../b.pem}}
sources: {a: {driver: rest, definition: defs/a.yaml, folder: x}, b: {driver: rest, definition: nova}}
"""
    loaded = load(tmp_path, text, {"CONGRESSLITE_KEY": "secret.key"})
    config, folder = loaded.config, tmp_path / "etc"
    assert loaded.folder == folder
    assert config.state == folder / "data"
    assert config.policies == (folder / "rules", Path("/abs/nfv.dl"))
    assert config.server.tls is not None
    assert (config.server.tls.certificate, config.server.tls.key) == (folder / "a.pem", folder / "../b.pem")
    assert config.sources["a"].definition == str(folder / "defs/a.yaml")
    assert config.sources["b"].definition == "nova"
    assert config.sources["a"].settings == {"folder": "x"}
    assert config.key == Path("secret.key")


def test_what_the_file_does_not_name_is_found_from_where_one_is(tmp_path: Path) -> None:
    """The default state, and the files of addresses, are where the process runs, wherever the file lies."""
    text = "database: {url: 'sqlite:///st.sqlite'}\nsources: {cmdb: {driver: sql, url: 'sqlite:///cm.sqlite'}}\n"
    config = load(tmp_path, text).config
    assert (config.state, config.database_url) == (Path("congresslite-state"), "sqlite:///st.sqlite")
    assert config.sources["cmdb"].settings["url"] == "sqlite:///cm.sqlite"


def test_the_environment_reaches_everywhere(tmp_path: Path) -> None:
    """Names of the environment are in capitals whatever the keys are in; lists and mappings are written as in YAML."""
    env = {
        "CONGRESSLITE_SERVER__HOSTS": "[a.example, b.example]",
        "CONGRESSLITE_SOURCES__MYNOVA__PASSWORD": "{odd",
        "CONGRESSLITE_SOURCES__NEW": "{driver: push, every: 5m}",
        "CONGRESSLITE_AUTH__REQUIRED": "FALSE",
        "CONGRESSLITE_TOKEN": "of the command line",
        "CONGRESSLITE_SERVER": "http://127.0.0.1:8181",
    }
    config = load(tmp_path, "sources: {MyNova: {driver: openstack}}\n", env).config
    assert config.server.hosts == ("a.example", "b.example")
    assert config.sources["MyNova"].settings == {"password": "{odd"}
    assert config.sources["new"].every == 300
    assert config.auth.required is False


def test_values_from_elsewhere(tmp_path: Path) -> None:
    """A text may be taken from the environment or from a file, without the end of its line."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "password").write_text("correct horse\n", encoding="utf-8")
    text = """\
database: {url: {env: URL}}
sources: {nova: {driver: rest, login: {user: {env: WHO}, password: {file: password}}}}
"""
    loaded = load(tmp_path, text, {"URL": "postgresql://u:geheim@h/x", "WHO": "anna"})
    assert loaded.config.database_url == "postgresql://u:geheim@h/x"
    assert loaded.config.sources["nova"].settings == {"login": {"user": "anna", "password": "correct horse"}}
    values = {each.key: each.value for each in shown(loaded)}
    assert values["database.url"] == values["sources.nova.login.user"] == values["sources.nova.login.password"]
    assert "geheim" not in repr(loaded.config)
    assert "horse" not in repr(loaded.config)


SECRETS = """\
database: {url: "postgresql://anna:geheim@h/x"}
sources:
  nova:
    driver: openstack
    password: geheim
    every: 10s
    auth: {client_secret: geheim, token_url: "https://u:geheim@id.example/t", user: anna}
    headers: {Authorization: Bearer geheim}
    tls: {key: geheim, key_file: /etc/key.pem}
    communities: [geheim]
enforcement:
  targets:
    hooks: {executor: script, directory: /srv/scripts, environment: {REGION: geheim}}
    vnfm: {executor: vnfm, url: "https://u:geheim@vnfm", auth: {type: bearer, token: geheim}, headers: {X-Own: geheim}}
"""


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    """Whatever sounds like a secret is masked, whatever only says where one is is not."""
    loaded = load(tmp_path, SECRETS)
    values = {each.key: each.value for each in shown(loaded)}
    assert "geheim" not in repr(values)
    assert "geheim" not in repr(loaded)
    assert values["sources.nova.auth.user"] == "anna"
    assert values["sources.nova.tls.key_file"] == "/etc/key.pem"
    assert values["enforcement.targets.hooks.directory"] == "/srv/scripts"
    assert values["database.url"] == "postgresql://anna:********@h/x"


TABLES = """\
sources:
  cmdb:
    driver: sql
    settings:
      url: {env: URL}
      tables: {tokens: {query: SELECT 1, key: [id], columns: {id: str, token: str}, password: geheim}}
"""


def test_names_of_tables_are_no_secrets(tmp_path: Path) -> None:
    """The key of a table and what it and its columns are called are shown; what comes from elsewhere is not."""
    values = {each.key: each.value for each in shown(load(tmp_path, TABLES, {"URL": "geheim"}))}
    table = "sources.cmdb.tables.tokens"
    assert (values[f"{table}.query"], values[f"{table}.key[0]"]) == ("SELECT 1", "id")
    assert values[f"{table}.columns.token"] == "str"
    assert "geheim" not in repr(values)


def test_findings_show_no_secret(tmp_path: Path) -> None:
    """A finding shows its line, and stars where a secret stands in it."""
    one_line = "sources: {nova: {driver: rest, every: often, password: geheim, auth: {secret: geheim}}}\n"
    for each in (one_line, SECRETS.replace("10s", "often")):
        with pytest.raises(ConfigError) as caught:
            load(tmp_path, each)
        assert "geheim" not in str(caught.value)
        assert "often" in str(caught.value)


WRONG = {
    "an unknown key": ("serve: {}\n", ["CL490 congresslite.yaml:1:1"]),
    "an unknown key within": ("server:\n  port: 1\n", ["CL490 congresslite.yaml:2:3"]),
    "all of them at once": (
        "log: {levl: info, format: xml}\nhistory:\n  keep: long\nconsole: 5\n",
        [
            "CL490 congresslite.yaml:1:7", "CL491 congresslite.yaml:1:19", "CL491 congresslite.yaml:3:3",
            "CL491 congresslite.yaml:4:1",
        ],
    ),
    "something missing": ("auth: {tokens: [{name: a, role: admin}]}\n", ["CL492 congresslite.yaml:1:17"]),
    "a source without a driver": ("sources: {a: {every: 1s}}\n", ["CL492 congresslite.yaml:1:11"]),
    "a source with a strange name": ("sources: {a b: {driver: rest}}\n", ["CL491 congresslite.yaml:1:11"]),
    "a variable that is not there": ("database: {url: {env: NOWHERE}}\n", ["CL493 congresslite.yaml:1:17"]),
    "a file that is not there": ("database: {url: {file: nowhere}}\n", ["CL493 congresslite.yaml:1:17"]),
    "a key twice": ("log: {}\nlog: {}\n", ["CL422 congresslite.yaml:2:1"]),
    "a list": ("- a\n", ["CL491 congresslite.yaml:1:1"]),
    "no YAML": ("a: [\n", ["CL420 congresslite.yaml:2:1"]),
    "nothing": ("# nothing yet\n", ["CL420 congresslite.yaml"]),
    "open to all": ('server: {listen: "0.0.0.0:80"}\nauth: {required: false}\n', ["CL494 congresslite.yaml:2:8"]),
    "open to none": ('server: {listen: "[::]:80"}\n', ["CL495 "]),
    "a port beyond": ("server: {listen: localhost:70000}\n", ["CL491 congresslite.yaml:1:10"]),
    "no port": ("server: {listen: localhost}\n", ["CL491 congresslite.yaml:1:10"]),
    "a bare IPv6 address": ("server: {listen: '::1:80'}\n", ["CL491 congresslite.yaml:1:10"]),
    "no table of sites": ("console: {sites: sites}\n", ["CL491 congresslite.yaml:1:11"]),
}  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), WRONG.values(), ids=WRONG)
def test_mistakes(tmp_path: Path, text: str, expected: list[str]) -> None:
    """Each mistake is told at its place, and all of them at once."""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text)
    assert told(caught.value) == expected


def test_mistakes_of_the_environment_and_of_flags(tmp_path: Path) -> None:
    """What is wrong elsewhere is told with the name of the variable or of the flag."""
    env = {"CONGRESSLITE_SERVER__THREADS": "lots", "CONGRESSLITE_LOG__LEVL": "x", "CONGRESSLITE_NOPE": "1"}
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, None, env, server__listen="nowhere")
    assert told(caught.value) == [
        "CL490 env CONGRESSLITE_LOG__LEVL", "CL490 env CONGRESSLITE_NOPE", "CL491 env CONGRESSLITE_SERVER__THREADS",
        "CL491 flag `server.listen`",
    ]  # fmt: skip
    assert "did you mean `level`?" in str(caught.value)


@pytest.mark.parametrize("value", ['""', "{env: NOTHING}", "{file: nothing}"])
def test_an_empty_secret_of_a_link_is_refused(tmp_path: Path, value: str) -> None:
    """Engines that could sign nothing are told so when they start, wherever the empty secret is from."""
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "nothing").write_text("\n", encoding="utf-8")
    text = f"""\
tier:
  name: malmo
  level: region
  parent: {{name: north, secret: {value}}}
  children:
    cell: {{secret: {value}}}
"""
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, text, {"NOTHING": ""})
    assert [(each.code, each.where.rpartition("/")[2].split(":")[:2]) for each in caught.value.diagnostics] == [
        ("CL491", ["congresslite.yaml", "4"]),
        ("CL491", ["congresslite.yaml", "6"]),
    ]
    assert all("secret" in each.message for each in caught.value.diagnostics)


LISTENS = {
    "127.0.0.1:1": ("127.0.0.1", True), "127.8.8.8:0": ("127.8.8.8", True), "localhost:80": ("localhost", True),
    "[::1]:80": ("::1", True), "0.0.0.0:80": ("0.0.0.0", False),  # noqa: S104
    "[::]:80": ("::", False),
    "[fe80::1%eth0]:80": ("fe80::1%eth0", False), "example.org:80": ("example.org", False),
    "localhost.example:80": ("localhost.example", False),
}  # fmt: skip


@pytest.mark.parametrize("listen", LISTENS)
def test_loopback(listen: str) -> None:
    """Whether others can connect is told from the address; a name that is not known is thought to be theirs."""
    server = Config.model_validate({"server": {"listen": listen}}).server
    assert (server.host, server.loopback) == LISTENS[listen]


TIMES: dict[str, tuple[Any, float | None]] = {
    "seconds": ("30s", 30.0), "minutes": ("5 m", 300.0), "hours": ("1.5h", 5400.0), "days": ("90d", 7776000.0),
    "milliseconds": ("500ms", 0.5), "a number": (7, 7.0), "a number as text": ("7", 7.0), "negative": (-1, None),
    "nothing": ("", None), "a word": ("soon", None), "true": (True, None), "endless": (float("inf"), None),
    "no unit there is": ("5w", None),
}  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), TIMES.values(), ids=TIMES)
def test_times(value: Any, expected: float | None) -> None:
    """A time is seconds, or a number with a unit."""
    if expected is None:
        with pytest.raises(ValidationError):
            SourceSettings.model_validate({"driver": "rest", "deadline": value})
    else:
        assert SourceSettings.model_validate({"driver": "rest", "deadline": value}).deadline == expected


def test_a_source_keeps_what_its_driver_knows() -> None:
    """Keys that no source has are the driver's, and come back as they were written."""
    made = SourceSettings.model_validate({"driver": "sql", "every": "1m", "url": "x", "queries": {"t": "SELECT 1"}})
    assert (made.every, made.settings) == (60.0, {"url": "x", "queries": {"t": "SELECT 1"}})
    assert SourceSettings.model_validate(made.model_dump()) == made
    assert SourceSettings.model_validate(made) == made


def test_a_configuration_does_not_change() -> None:
    """Nobody can change a configuration that another one reads."""
    with pytest.raises(ValidationError):
        Config().server.threads = 1


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
            ["server", "auth", "tokens", "sources", "tls", "listen", "every", "driver", "x"]), inner, max_size=3),
        max_leaves=8,
    )
)  # fmt: skip
def test_any_values(value: Any) -> None:
    """Whatever flags bring is taken or told, and never an error of ours."""
    if isinstance(value, dict):
        try:
            load_config(None, {}, value)
        except ConfigError as error:
            assert error.diagnostics
