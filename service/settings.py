"""Settings: nested, frozen, typed with their units. The only reader of the environment.

Every field is an environment variable: ``DEBRIEF_MODEL``, ``DEBRIEF_DATABASE__URL``, ..., or a file of that name in
``/run/secrets``, so that secrets need not stand in the environment. The keys and
addresses of OpenAI-compatible servers are read under the names their users already have.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from platformdirs import user_cache_path, user_data_path
from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    NestedSecretsSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

EMBEDDED = "embedded"
SECRETS = "/run/secrets"
"""Where Docker and Kubernetes mount secrets as files; ``debrief_database__url`` there is DEBRIEF_DATABASE__URL."""

Seconds = Annotated[float, Field(gt=0)]
Count = Annotated[int, Field(ge=1)]
SingleJudge = Annotated[str, Field(pattern=r"^(readout|single_call|decision)(:\S+)?$")]
AnyJudge = Annotated[str, Field(pattern=r"^(auto|panel|cascade|(readout|single_call|decision)(:\S+)?)$")]


class _Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class DatabaseSettings(_Group):
    """Where grades are kept: a ``sqlite:///path`` or ``postgresql://...`` URL."""

    url: str = Field(default_factory=lambda: f"sqlite:///{user_data_path('debrief', False) / 'debrief.db'}")


class EmbeddedSettings(_Group):
    """The embedded model. ``path`` points at a GGUF file of your own; otherwise it is fetched into ``cache_dir``."""

    path: Path | None = None
    cache_dir: Path = Field(default_factory=lambda: user_cache_path("debrief", False))
    context_tokens: Annotated[int, Field(ge=2_048, le=131_072)] = 16_384
    threads: Annotated[int, Field(ge=0, le=256)] = 0


class LimitSettings(_Group):
    """Largest accepted requests: bytes of a body, code points of a text, entries of a list.

    ``requests_per_minute``: of each tenant that has no limit of its own. ``usd_per_day``: spent on models by all.
    """

    body_bytes: Count = 256 * 1024
    question: Count = 4_000
    answer: Count = 20_000
    reference: Count = 8_000
    context: Count = 100
    key_points: Count = 20
    metadata_keys: Count = 16
    waiting: Count = 1_000
    batch_bytes: Count = 64 * 1024 * 1024
    batch_lines: Count = 100_000
    requests_per_minute: Count = 6_000
    usd_per_day: Annotated[float | None, Field(ge=0)] = None


class WorkerSettings(_Group):
    """Who grades what was sent to be graded later.

    ``in_server``: the server does, beside answering requests; off where ``debrief worker`` processes do.
    ``concurrency``: jobs at once in one process; None means 64, or 1 for the embedded model.
    """

    in_server: bool = True
    concurrency: Count | None = None


class TimeSettings(_Group):
    """Seconds. ``grade`` is the whole of one grade; None means 30, or 180 for the embedded model."""

    grade: Seconds | None = None
    call: Seconds | None = None
    drain: Seconds = 20.0


class JudgeSettings(_Group):
    """Judges made of others, and where models other than ``model`` are served.

    Attributes:
        members: of a panel, or the cheap and the strong judge of a cascade; each ``kind`` or ``kind:model``.
        escalate_below: a cascade's threshold on confidence; None takes the cheap judge's calibration's, else 0.6.
        endpoints: base URLs by model name.
    """

    members: tuple[SingleJudge, ...] = ()
    escalate_below: Annotated[float | None, Field(gt=0, le=1)] = None
    endpoints: dict[str, str] = {}


class PromptSettings(_Group):
    """Which prompt each judge and the coach use: ``id`` for the newest version, or ``id@version``."""

    readout: str = "judge-readout"
    single_call: str = "judge-single-call@5"
    decision: str = "judge-decision"
    coach: str | None = None


class Settings(BaseSettings):
    """All settings of one process."""

    model_config = SettingsConfigDict(
        env_prefix="DEBRIEF_",
        env_nested_delimiter="__",
        env_ignore_empty=True,
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        secrets_dir=SECRETS,
    )

    model: Annotated[str, Field(min_length=1)] = EMBEDDED
    judge: AnyJudge = "auto"
    samples: Annotated[int, Field(ge=1, le=9)] = 1
    model_base_url: str | None = None
    model_api_key: SecretStr | None = None
    openai_api_key: Annotated[SecretStr | None, Field(validation_alias=AliasChoices("OPENAI_API_KEY"))] = None
    appeal_model: Annotated[str | None, Field(min_length=1)] = None
    openai_base_url: Annotated[str | None, Field(validation_alias=AliasChoices("OPENAI_BASE_URL"))] = None
    concurrency: Count = 128
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65_535)] = 8000
    secret: SecretStr | None = None
    content_dir: Path | None = None
    runs_dir: Path = Path("evals/runs")
    answer_days: Annotated[int, Field(ge=0, le=36_500)] = 90
    data_policy: Literal["local", "cloud"] = "cloud"
    redact: bool = False
    webhooks_allow_private: bool = False
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    database: DatabaseSettings = DatabaseSettings()
    embedded: EmbeddedSettings = EmbeddedSettings()
    limits: LimitSettings = LimitSettings()
    seconds: TimeSettings = TimeSettings()
    worker: WorkerSettings = WorkerSettings()
    prompts: PromptSettings = PromptSettings()
    judges: JudgeSettings = JudgeSettings()

    @property
    def uses_embedded(self) -> bool:
        """Whether the embedded model decides or explains."""
        return self.model == EMBEDDED or any(
            judge.endswith(f":{EMBEDDED}") for judge in (self.judge, *self.judges.members)
        )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the signature is pydantic-settings'
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - .env files are Compose's and never read here
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments, then the environment, then files in ``/run/secrets`` named as the variables, in any case."""
        files = NestedSecretsSettingsSource(file_secret_settings, secrets_dir_missing="ok")
        return init_settings, env_settings, files

    @property
    def grade_seconds(self) -> float:
        """The total time of one grade."""
        return self.seconds.grade or (180.0 if self.uses_embedded else 30.0)

    @property
    def jobs_at_once(self) -> int:
        """How many jobs one worker grades at once."""
        return self.worker.concurrency or (1 if self.uses_embedded else 64)

    @property
    def call_seconds(self) -> float:
        """The longest single model call."""
        return self.seconds.call or (150.0 if self.uses_embedded else 20.0)
