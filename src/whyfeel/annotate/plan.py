"""From options to everything an annotation needs, checked before the first call."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

from whyfeel.annotate.options import AnnotateOptions, Asked
from whyfeel.annotate.subjects import Subjects, open_subjects
from whyfeel.engine import Route
from whyfeel.media import conversion
from whyfeel.models import load_prices
from whyfeel.prompts import Prompts, load_prompts
from whyfeel.records import Media, Sample, canonical
from whyfeel.runs.pictures import survey_pictures
from whyfeel.runs.routing import routes_to
from whyfeel.runs.spec import file_hashes, prompt_hashes
from whyfeel.strategies.self_ask import GATES, PHASES, SelfAsk, SelfAskSettings, default_settings
from whyfeel.strategies.self_ask.questioning import DESCRIBE, QUESTION


@dataclass(frozen=True)
class Plan:
    """Asking about a source, ready to start.

    Attributes:
        samples: those chosen, in the source's order, as often as needed.
        total: how many they are.
        routes: role to model.
        spec: what decides the answers; two sittings of one spec may share a folder.
        prompts: for the manifest.
        bad, urls: pictures that cannot be sent, with the reason, and those still to be fetched.
    """

    options: Asked
    subjects: Subjects
    samples: Callable[[], Iterator[Sample]]
    total: int
    routes: Mapping[str, Route]
    spec: Mapping[str, Any]
    prompts: Prompts
    bad: Mapping[Media, str]
    urls: tuple[str, ...]

    @property
    def shown(self) -> list[str]:
        """The roles whose asks show pictures."""
        return [role for role in self.routes if ROLES[role]]


# who is shown the picture, for the phases of a chain and of the plan that writes its general questions
ROLES: Mapping[str, bool] = {**PHASES, DESCRIBE: True, QUESTION: False}


def plan_annotation(options: AnnotateOptions, *, calls: bool = True) -> tuple[Plan, SelfAsk]:
    """Build and check everything.

    Args:
        calls: whether models will be called, and so need their keys.

    Raises:
        UserError: an option names nothing known, pictures are missing, or a price is needed and unknown.
    """
    prompts = load_prompts(options.prompts)
    subjects = open_subjects(options, prompts)
    settings = _settings(options, prompts)
    chain = SelfAsk(prompts, settings)
    spec = {"settings": json.loads(canonical(asdict(settings))), "prompts": prompt_hashes(prompts, chain.prompts)}
    samples = _first(subjects, options.limit)
    return plan_asking(options, subjects, samples, prompts, _asked_roles(settings), spec, calls=calls), chain


def plan_asking(
    options: Asked,
    subjects: Subjects,
    samples: Callable[[], Iterator[Sample]],
    prompts: Prompts,
    roles: tuple[str, ...],
    spec: Mapping[str, Any],
    *,
    calls: bool,
) -> Plan:
    """The models of the roles, and a look at every picture.

    Args:
        samples: those chosen.
        spec: what decides the answers besides source, models and pictures.
    """
    prices = load_prices(options.prices)
    asked = {
        role: (options.vlm, options.gen) if ROLES[role] else (options.llm or options.vlm, options.llm_gen)
        for role in roles
    }
    routes = routes_to(options, asked, prices, calls=calls)
    found = survey_pictures(
        *(samples(), subjects.images, subjects.name, subjects.images_help),
        look=True,
        allow_urls=options.allow_urls,
    )
    models = {role: route.model.name for role, route in routes.items()}
    full = {
        "source": subjects.name,
        "data": file_hashes(subjects.files),
        "vlm": next(name for role, name in models.items() if ROLES[role]),
        "llm": next(name for role, name in models.items() if not ROLES[role]),
        "gen": dict(options.gen),
        "llm_gen": dict(options.llm_gen),
        "emotion": list(options.emotion),
        "query": options.query,
        "seed": options.seed,
        "pictures": conversion(options.max_side),
        **spec,
    }
    return Plan(options, subjects, samples, found.samples, routes, full, prompts, found.bad, found.urls)


def _settings(options: AnnotateOptions, prompts: Prompts) -> SelfAskSettings:
    settings = replace(
        default_settings(prompts), scenarios=options.scenes, repeat=options.repeat, gates=options.gates_on
    )
    if options.plan is None:
        return settings
    from whyfeel.annotate.plan_file import read_plan  # noqa: PLC0415 - most annotations have none

    return replace(settings, questions=read_plan(options.plan))


def _asked_roles(settings: SelfAskSettings) -> tuple[str, ...]:
    """The roles of the phases and of the gates that are on."""
    return tuple(role for role in PHASES if role not in GATES or role in settings.gates)


def _first(subjects: Subjects, limit: int | None) -> Callable[[], Iterator[Sample]]:
    return lambda: islice(subjects.samples(), limit)
