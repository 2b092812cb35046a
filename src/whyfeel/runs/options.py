"""What the user asked for, from the command line and from `--config`, in one validated record."""

from __future__ import annotations

import difflib
import errno
import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from whyfeel.errors import UserError, brief
from whyfeel.records import canonical


def _nameable(path: Path) -> Path:
    """A path that may exist; every other use of it can then expect plain answers from the system."""
    try:
        path.lstat()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            raise ValueError("the path is too long") from None
    except ValueError:
        raise ValueError("a path cannot hold the character 0") from None
    return path


def _named(text: str) -> str:
    """A word, or the path of a file."""
    _nameable(Path(text))
    return text


Place = Annotated[Path, AfterValidator(_nameable)]
Positive = Annotated[int, Field(gt=0)]
Seed = Annotated[int, Field(gt=-(2**63), lt=2**63)]
Rate = Annotated[float, Field(gt=0)]
Setting = str | int | float | bool | None | list[Any] | dict[str, Any]

POSITIONAL = {"task": "TASK", "source": "IMAGES"}  # given by place on the command line
ACTORS = 2  # where --ray does not say how many
OURS = ("model", "messages", "stream")  # parts of a request that are no sampling settings


def _sampling(settings: dict[str, Setting]) -> dict[str, Setting]:
    """Settings as they are sent: 0.0 is 0, so that two spellings of one setting are one run."""
    if mine := [name for name in OURS if name in settings]:
        raise ValueError(f"{mine[0]!r} is no sampling setting")
    try:
        canonical(settings)  # JSON has no infinity and no NaN
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the settings cannot be sent as JSON: {error}") from None
    whole = {name: int(v) for name, v in settings.items() if isinstance(v, float) and v.is_integer()}
    return {**settings, **whole}


Settings = Annotated[dict[str, Setting], AfterValidator(_sampling)]


MODEL_CONTROLS = ("blank", "swap", "wrong-emotion")
NO_CONTROLS = "none"


def _controls(names: str) -> str:
    """`none`, or some of the controls that ask the model."""
    if names != NO_CONTROLS and (wrong := [one for one in names.split(",") if one.strip() not in MODEL_CONTROLS]):
        known = ", ".join((*MODEL_CONTROLS, NO_CONTROLS))
        raise ValueError(f"there is no control {wrong[0].strip()!r} to ask for; there are {known}")
    return ",".join(dict.fromkeys(one.strip() for one in names.split(",")))


class SittingOptions(BaseModel):
    """What decides how models are asked, whatever is asked of them.

    Attributes:
        gen: sampling settings of the model under test by their chat-completions names, over those of its asks.
        prompts: a TOML file, or "eibench" or "eibench:FAMILY" for the published texts in the user's checkout.
        max_cost: US dollars.
        max_side: pixels to which the longest side of a larger picture is reduced.
        allow_urls, allow_host: whether pictures at URLs are fetched, and hosts that may lie in a private network.
        local_only: whether a model at a public address is refused.
        batch: the provider whose batch service answers, at half the price and within a day.
        ray: "local", or the address of a Ray cluster whose actors do the work; None for this process alone.
        actors: how many of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    out: Place
    data: Place | None = None
    images: Place | None = None
    prompts: Annotated[str, AfterValidator(_named)] | None = None
    limit: Positive | None = None
    seed: Seed = 0
    gen: Settings = {}
    concurrency: Annotated[int, Field(gt=0, le=4096)] = 32
    rpm: Rate | None = None
    tpm: Rate | None = None
    max_calls: Annotated[int, Field(ge=0)] | None = None
    max_cost: Annotated[float, Field(ge=0)] | None = None
    prices: Place | None = None
    reuse: tuple[Place, ...] = ()
    max_side: Annotated[int, Field(ge=16, le=65_535)] | None = None
    allow_urls: bool = False
    allow_host: tuple[str, ...] = ()
    local_only: bool = False
    batch: Literal["openai"] | None = None
    ray: Annotated[str, Field(min_length=1)] | None = None
    actors: Annotated[int, Field(gt=0, le=1024)] | None = None


class RunOptions(SittingOptions):
    """The options of `whyfeel run`; `judge` and `judge-answers` use those that apply to them.

    Attributes:
        helper: who answers what the strategy `self-ask` asks without the picture; the model itself where it is None.
        judge_gen: sampling settings of the judge's model, over those of the judge.
        limit, sample: the first N samples, or N drawn by seed and spread over the emotions.
        captioner, captions: who writes the captions of the strategy `caption`, or the file that holds them.
        see_image: whether the judge is shown the picture.
        controls: "none", or those that ask the model, by commas; None for the seven baselines alone.
        until: points; the run stops once the interval of the headline is within as many on either side.
        embedder: a folder or Hub id of sentence embeddings for the judge `overlap`.
        against: a finished run whose answers the judge `pairwise` compares with; people's where it is None.
    """

    task: str
    model: str
    strategy: str = "direct"
    helper: str | None = None
    judge: str = "overlap"
    judge_model: str | None = None
    captioner: str | None = None
    captions: Place | None = None
    sample: Positive | None = None
    judge_gen: Settings = {}
    see_image: bool = False
    controls: Annotated[str, AfterValidator(_controls)] | None = None
    until: Annotated[float, Field(gt=0, lt=100)] | None = None
    embedder: Annotated[str, AfterValidator(_named)] | None = None
    against: Place | None = None


Options = TypeVar("Options", bound=SittingOptions)


def checked(kind: type[Options], given: Mapping[str, Any], config: Path | None = None) -> Options:
    """Options as the user gives them.

    Args:
        given: what the command line sets; None where it is silent.
        config: a TOML file with the same names as the options, dashes or underscores; the command line overrides it.

    Raises:
        UserError: an unknown name, a value of the wrong kind, or a needed one that is missing; one line.
    """
    values = _read_config(config) if config is not None else {}
    values |= {name: value for name, value in given.items() if value is not None}
    try:
        options = kind.model_validate(values)
    except ValidationError as error:
        raise UserError(_one_line(error, kind, config)) from None
    if options.allow_host and not options.allow_urls:
        raise UserError("--allow-host names a host for pictures at URLs: it needs --allow-urls")
    if options.actors is not None and options.ray is None:
        raise UserError("--actors says how many actors of Ray do the work: it needs --ray local, or --ray ADDRESS")
    if options.ray is not None and options.batch is not None:
        raise UserError("--batch gathers requests in one process and --ray spreads them over several: give one of them")
    return options


def run_options(given: Mapping[str, Any], config: Path | None = None) -> RunOptions:
    """The options of a run; arguments as for `checked`.

    Raises:
        UserError: an option is wrong by itself, or two of them contradict each other; one line.
    """
    options = checked(RunOptions, given, config)
    if options.limit is not None and options.sample is not None:
        raise UserError("--limit takes the first samples and --sample draws some: give one of them")
    if options.until is not None and (options.limit is not None or options.sample is not None):
        raise UserError("--until decides how many samples are taken: leave --limit and --sample out")
    if options.until is not None and options.ray is not None:
        raise UserError("--until stops by what is judged in order, and --ray judges out of order: give one of them")
    if options.captioner is not None and options.captions is not None:
        raise UserError("--captioner asks for captions and --captions reads them: give one of them")
    return options


def _read_config(path: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:  # no UTF-8, no TOML, a number of thousands of digits
        raise UserError(f"--config: {str(path)!r} is not a readable TOML file: {error}") from None
    return {name.replace("-", "_"): value for name, value in values.items()}


def _one_line(error: ValidationError, kind: type[BaseModel], config: Path | None) -> str:
    first = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"])
    flag = POSITIONAL.get(name) or f"--{name.replace('_', '-')}"
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(name, kind.model_fields, 1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        return f"--config: {str(config)!r} sets {name!r}, which is no option of a run{hint}"
    if first["type"] == "missing":
        return f"{flag} is needed" + ("; give it on the command line or in --config" if kind is RunOptions else "")
    message = first["msg"].removeprefix("Value error, ")
    said = message[:1].lower() + message[1:]
    got = str(first["input"]) if isinstance(first["input"], Path) else first["input"]
    return f"{flag}: {said}; got {brief(got)}"


def parse_settings(texts: list[str] | None, flag: str) -> dict[str, Setting] | None:
    """`temperature=0,max_tokens=512` as a dictionary; values are read as JSON where they are JSON.

    A JSON object is taken as it is. `name=null` takes a setting away.

    >>> parse_settings(["temperature=0.5,stop=END"], "--gen")
    {'temperature': 0.5, 'stop': 'END'}
    """
    if not texts:
        return None
    settings: dict[str, Setting] = {}
    for text in texts:
        if text.lstrip().startswith("{"):
            settings |= _json_object(text, flag)
            continue
        for pair in text.split(","):
            name, equals, value = pair.partition("=")
            if not equals or not name.strip():
                raise UserError(f"{flag}: expected name=value pairs such as temperature=0,max_tokens=512; got {text!r}")
            settings[name.strip()] = _value(value.strip())
    return settings


def _json_object(text: str, flag: str) -> dict[str, Setting]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{flag}: not a JSON object: {error}") from None
    if not isinstance(value, dict):
        raise UserError(f"{flag}: expected a JSON object, got {text!r}")
    return value


def _value(text: str) -> Setting:
    try:
        value: Setting = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value
