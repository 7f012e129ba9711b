"""What makes layers and experiments valid: every refusal names the place, what is wrong with it, and the cure."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.definitions import parse_account
from pipeline.model.definition import DefinitionError, Snapshot
from pipeline.model.definition_collision import exclusive
from pipeline.model.experiment import Epoch, Goal, Parameter, Variation
from tests.support.definitions import metric_document
from tests.support.experiments import LAYER, experiment_document, trial_document

PLACE = "experiments[0] (hero_cta): "
SECOND = "experiments[1] (other): "


def refusal(document: dict[str, Any]) -> str:
    with pytest.raises(DefinitionError) as refused:
        parse_account(document, strict=True)
    return str(refused.value)


def other(**changes: Any) -> dict[str, Any]:
    """Another experiment, which is in nobody's way."""
    return experiment_document(
        **{"id": "other", "parameters": {}, "variations": [{"id": "control"}], "allocation": {}, **changes}
    )


def test_an_experiment_is_read_as_it_is_written() -> None:
    experiment = parse_account(trial_document(), strict=True).experiments["hero_cta"]
    assert (experiment.layer, experiment.status, experiment.control) == ("homepage", "running", "control")
    assert experiment.parameters == {"cta": Parameter("string", "Join")}
    assert experiment.goals == (Goal("orders", "count"), Goal("orders", "revenue"))
    variations = (Variation("control", {}), Variation("friendly", {"cta": "Count me in!"}))
    allocation = {"control": ((0, 512),), "friendly": ((512, 1024),)}
    assert experiment.epochs == (Epoch(1, None, variations, allocation, {"country": {"$in": ["UK", "DK"]}}),)


def test_what_an_account_says_of_itself_is_read_again_as_the_same() -> None:
    goals = ["orders.revenue", {"goal": "orders.count", "better": "lower", "guardrail": True}]
    full = experiment_document(
        description="Words", start="2026-10-01T09:00:00+05:30", end="2026-11-01T00:00:00Z", goals=goals, breakdowns=["a.b"]
    )
    account = parse_account(trial_document(full), strict=True)
    assert parse_account(account.document(), strict=True) == account
    snapshot = Snapshot.of([account])
    assert Snapshot.from_bytes(snapshot.to_bytes()) == snapshot
    experiment = account.experiments["hero_cta"]
    assert (experiment.start, experiment.end) == ("2026-10-01T03:30:00.000Z", "2026-11-01T00:00:00.000Z")
    assert experiment.goals[1] == Goal("orders", "count", "lower", True)


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        (3, "layers[0]: 3 is not an object; write one such as {id: homepage, buckets: 1024}"),
        ({"buckets": 2}, "layers[0]: id: missing; name the layer, such as homepage"),
        ({"id": "A", "buckets": 2}, 'layers[0]: id: "A" is not an id; 1 to 64 of a-z, 0-9 and _'),
        ({"id": "homepage"},
         "layers[0] (homepage): buckets: missing; write a power of two of at most 1,048,576, such as 1024"),
        *(
            ({"id": "homepage", "buckets": n}, f"layers[0] (homepage): buckets: {said} is not a number of buckets; "
             "write a power of two of at most 1,048,576, such as 1024")
            for n, said in [(1000, "1000"), (0, "0"), (-4, "-4"), (True, "true"), ("1024", '"1024"'), (2**21, "2097152")]
        ),
        ({"id": "homepage", "buckets": 2, "x": 1}, "layers[0] (homepage): x: unknown; the keys here are id, buckets"),
    ],
)  # fmt: skip
def test_a_layer_is_refused(layer: Any, said: str) -> None:
    assert refusal(trial_document(layers=[layer])) == said


def test_ids_are_unique() -> None:
    assert refusal(trial_document(layers=[LAYER, LAYER])) == (
        "layers[1] (homepage): id: the same as that of layers[0] (homepage); ids are unique"
    )
    twice = trial_document(experiment_document(status="draft"), experiment_document(status="draft"))
    assert refusal(twice) == "experiments[1] (hero_cta): id: the same as that of experiments[0] (hero_cta); ids are unique"


CTA = {"type": "string", "default": "Join"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"status": None}, "status: missing; write one of draft, running, stopped"),
        ({"status": "on"}, 'status: "on" is not a status; write one of draft, running, stopped'),
        ({"layer": None}, "layer: missing; name one, such as homepage"),
        ({"layer": "mail"}, 'layer: there is no layer "mail", those there are: homepage; define it here, or push it first'),
        ({"ramp": 1}, "ramp: unknown; the keys here are id, description, layer"),
        ({"epochs": []}, "epochs: unknown; the keys here are"),
        ({"description": 3}, "description: 3 is not text; put it in quotes"),
        ({"start": "2026-10-01"}, 'start: "2026-10-01" is not a time; write it as RFC 3339 has it, such as 2026-10-01T09'),
        ({"end": "2026-10-01T00:00:00"}, 'end: "2026-10-01T00:00:00" is not a time'),
        ({"effective_at": 3}, "effective_at: 3 is not a time"),
        ({"start": "2026-10-01T00:00:00Z", "end": "2026-10-01T00:00:00+00:00"}, "end: 2026-10-01T00:00:00.000Z is not"),
        ({"parameters": 3}, "parameters: 3 is not an object; write one such as {cta: {type: string, default: Join}}"),
        ({"parameters": {"a b": CTA}}, 'parameters.a b: not a parameter\'s name; 1 to 64 of letters, digits, _, . and -'),
        ({"parameters": {"cta": "x"}}, 'parameters.cta: "x" is not an object; write one such as {type: string'),
        ({"parameters": {"cta": {"default": 1}}}, "parameters.cta.type: missing; write one of string, number, integer"),
        ({"parameters": {"cta": {"type": "text", "default": 1}}}, 'parameters.cta.type: "text" is not a type; write one of'),
        ({"parameters": {"cta": {"type": "string"}}}, "parameters.cta.default: missing; write the value that holds"),
        ({"parameters": {"cta": {**CTA, "of": 1}}}, "parameters.cta.of: unknown; the keys here are type, default"),
        ({"parameters": {"cta": {"type": "integer", "default": 1.5}}}, "parameters.cta.default: 1.5 is not of the type"),
        ({"parameters": {"cta": {"type": "number", "default": True}}}, "parameters.cta.default: true is not of the type"),
        ({"parameters": {"cta": {"type": "boolean", "default": 0}}}, "parameters.cta.default: 0 is not of the type boolean"),
        ({"variations": None}, "variations: missing; write one such as [{id: control}, {id: friendly"),
        ({"variations": []}, "variations: empty; write one such as"),
        ({"variations": [3]}, "variations[0]: 3 is not an object; write one such as {id: control"),
        ({"variations": [{}]}, "variations[0].id: missing; 1 to 64 of letters, digits, _, . and -"),
        ({"variations": [{"id": "control"}, {"id": "control"}]}, 'variations[1].id: "control" is there already; ids are'),
        ({"variations": [{"id": "control", "parameters": {"cta": 3}}]},
         "variations[0].parameters.cta: 3 is not of the type string; write a value that is, or change the type"),
        ({"variations": [{"id": "control", "parameters": {"size": 3}}]},
         "variations[0].parameters.size: not declared; add it to the experiment's parameters, with its type and default"),
        ({"variations": [{"id": "control", "weight": 3}]}, "variations[0].weight: unknown; the keys here are id"),
        ({"allocation": None}, "allocation: missing; write the buckets of each variation, such as {control: [[0, 512]]}"),
        ({"allocation": [[0, 1]]}, "allocation: a list is not an object; write one such as {control: [[0, 512]]}"),
        ({"allocation": {"blue": [[0, 1]]}}, "allocation.blue: there is no such variation; those there are: control"),
        ({"allocation": {"control": 3}}, "allocation.control: 3 is not a list of ranges; write one such as [[0, 512]]"),
        ({"allocation": {"control": [0, 512]}}, "allocation.control[0]: 0 is not a range; write the first bucket and"),
        ({"allocation": {"control": [[0, 1.0]]}}, "allocation.control[0]: a list is not a range"),
        ({"allocation": {"control": [[5, 5]]}}, "allocation.control[0]: [5, 5] holds no bucket; write the first and"),
        ({"allocation": {"control": [[-1, 5]]}}, "allocation.control[0]: [-1, 5] holds no bucket"),
        ({"allocation": {"control": [[0, 1025]]}},
         "allocation.control[0]: [0, 1025] leaves the layer, whose buckets are 0 to 1023"),
        ({"allocation": {"control": [[0, 512]], "friendly": [[600, 700], [511, 512]]}},
         "allocation.friendly: [511, 512] overlaps control's [0, 512]; a bucket belongs to one variation"),
        ({"allocation": {"control": [[0, 512], [500, 600]]}},
         "allocation.control: [500, 600] overlaps another range of its own, [0, 512]; a bucket belongs to one variation"),
        ({"eligible": 3}, "eligible: 3; write a condition on the attributes of a request, such as {country: DK}"),
        ({"eligible": {"country": {"$inn": []}}}, "eligible.country.$inn: unknown operator $inn; did you mean"),
        ({"eligible": {"id": {"$inGroup": "nobody"}}}, "eligible.id.$inGroup: no group 'nobody' is known"),
        ({"exposure": None}, "exposure: missing; write one such as {where: {event: Experiment Viewed}, variation"),
        ({"exposure": {"variation": "a"}}, "exposure.where: missing; write a condition such as {event: Experiment Viewed}"),
        ({"exposure": {"where": {}}}, "exposure.variation: missing; name a path, as properties.variationName"),
        ({"exposure": {"where": {}, "variation": "a..b"}}, 'exposure.variation: "a..b" is not a path'),
        ({"exposure": {"where": {"a": {"$gt": []}}, "variation": "a"}}, "exposure.where.a.$gt: "),
        ({"exposure": {"where": {}, "variation": "a", "at": 1}}, "exposure.at: unknown; the keys here are where, variation"),
        ({"breakdowns": "a"}, 'breakdowns: "a" is not a list; write one such as [context.location.country]'),
        ({"goals": None}, "goals: missing; name at least one, such as [orders.revenue]"),
        ({"goals": []}, "goals: empty; name at least one, such as [orders.revenue]"),
        ({"goals": [3]}, "goals[0]: 3 is not a goal; write metric.measure, such as orders.revenue"),
        ({"goals": ["orders"]}, 'goals[0]: "orders" is not a goal; write metric.measure, such as orders.revenue'),
        ({"goals": ["visits.n"]}, 'goals[0]: there is no metric "visits"; define it here, or push it first'),
        ({"goals": ["orders.n"]}, 'goals[0]: metric orders has no measure "n"; it has count, mean, revenue'),
        ({"goals": ["orders.mean"]},
         "goals[0]: orders.mean is a mean, which visitors don't add up to; name a count or a sum"),
        ({"goals": ["orders.count", "orders.count"]}, "goals[1]: orders.count is named twice; leave one out"),
        ({"goals": [{"goal": "orders.count", "better": "up"}]},
         'goals[0].better: "up" is not known; write one of higher, lower'),
        ({"goals": [{"goal": "orders.count", "guardrail": 1}]}, "goals[0].guardrail: 1 is not true or false"),
        ({"goals": [{"goal": "orders.count", "weight": 1}]}, "goals[0].weight: unknown; the keys here are goal, better"),
        ({"goals": [{"goal": "orders.count", "guardrail": True}]},
         "goals[0]: the first goal decides, and a guardrail only vetoes; put another goal first"),
        ({"control": None}, "control: missing; name the one to compare with: control, friendly"),
        ({"control": "blue"}, 'control: "blue" is no variation of it; name the one to compare with: control, friendly'),
    ],
)  # fmt: skip
def test_an_experiment_is_refused(changes: dict[str, Any], said: str) -> None:
    measures = {**metric_document()["measures"], "mean": {"aggregate": "mean", "field": "properties.total"}}
    document = trial_document(experiment_document(**changes), metrics=[metric_document(measures=measures)])
    assert refusal(document).startswith(PLACE + said)


def test_a_variation_without_buckets_and_a_draft_without_any_are_fine() -> None:
    parse_account(trial_document(experiment_document(allocation={"friendly": [[0, 1]]})), strict=True)
    parse_account(trial_document(experiment_document(status="draft", allocation=None)), strict=True)


def test_running_experiments_of_a_layer_share_no_bucket() -> None:
    taking = other(allocation={"control": [[1023, 1024]]})
    assert refusal(trial_document(experiment_document(), taking)) == (
        SECOND
        + "allocation.control: [1023, 1024] overlaps [512, 1024] of layer homepage, which running experiment hero_cta "
        "has for friendly; take other buckets, or stop hero_cta"
    )
    for status in ("draft", "stopped"):
        parse_account(trial_document(experiment_document(), {**taking, "status": status}), strict=True)
    layers = [LAYER, {"id": "mail", "buckets": 1024}]
    parse_account(trial_document(experiment_document(), {**taking, "layer": "mail"}, layers=layers), strict=True)


def setting_cta(**changes: Any) -> dict[str, Any]:
    parameters = {"cta": {"type": "string", "default": "Join"}}
    return other(**{"layer": "mail", "parameters": parameters, "allocation": {"control": [[0, 1]]}, **changes})


def test_a_parameter_is_set_by_one_layer_unless_nobody_is_eligible_for_both() -> None:
    layers = [LAYER, {"id": "mail", "buckets": 2}]
    assert refusal(trial_document(experiment_document(), setting_cta(eligible=None), layers=layers)) == (
        SECOND
        + "parameters.cta: running experiment hero_cta of layer homepage sets it too, and a unit can be in both; put both "
        "into one layer, or let `eligible` tell them apart by one attribute, such as {country: {$in: [DK]}}"
    )
    for fine in (setting_cta(eligible={"country": "DE"}), setting_cta(eligible=None, status="draft")):
        parse_account(trial_document(experiment_document(), fine, layers=layers), strict=True)
    same_layer = setting_cta(layer="homepage", eligible=None, allocation={})
    parse_account(trial_document(experiment_document(), same_layer, layers=layers), strict=True)


@pytest.mark.parametrize(
    ("one", "another", "told_apart"),
    [
        ({"c": "UK"}, {"c": "DK"}, True),
        ({"c": "UK"}, {"c": {"$in": ["DK", "DE"]}}, True),
        ({"c": {"$eq": 1}}, {"c": {"$in": [2, 3]}}, True),
        ({"$and": [{"c": "UK"}, {"n": {"$gt": 1}}]}, {"c": "DK"}, True),
        ({"c": {"$in": ["UK", "DK"], "$eq": "UK"}}, {"c": "DK"}, True),
        ({"c": {"$in": ["UK", "DK"]}}, {"c": {"$in": ["DK"]}}, False),
        ({"c": "UK"}, {"d": "DK"}, False),
        ({"c": "1"}, {"c": 1}, False),
        ({"c": {"$gt": 1}}, {"c": {"$lt": 1}}, False),
        ({"$or": [{"c": "UK"}]}, {"c": "DK"}, False),
        ({}, {"c": "DK"}, False),
    ],
)
def test_eligibilities_are_told_apart_by_the_values_of_one_attribute(one: Any, another: Any, told_apart: bool) -> None:
    assert exclusive(one, another) is exclusive(another, one) is told_apart


def revision(*, metric: Any = None, settings: Any = None, **changes: Any) -> str:
    metrics = [metric or metric_document()]
    own = {"settings": settings} if settings else {}
    document = trial_document(experiment_document(**changes), metrics=metrics, **own)
    return parse_account(document, strict=True).experiments["hero_cta"].revision


def test_the_revision_stands_for_all_that_decides_the_numbers() -> None:
    exposure = experiment_document()["exposure"]
    vip = {"where": {"userId": {"$inGroup": "vip"}}, "variation": "v"}
    groups = {"vip": ["u1"], "staff": []}
    revisions = [
        revision(),
        revision(exposure={**exposure, "where": {}}),
        revision(exposure={**exposure, "variation": "properties.v"}),
        revision(breakdowns=["context.country"]),
        revision(goals=["orders.count"]),
        revision(metric=metric_document(where={})),
        revision(settings={"timezone": "Asia/Tokyo"}),
        revision(settings={"visitor": ["userId"]}),
        revision(exposure=vip),
        revision(exposure=vip, settings={"groups": groups}),
    ]
    assert len(set(revisions)) == len(revisions)


def test_the_revision_stands_for_nothing_else() -> None:
    same = [
        revision(allocation={"control": [[0, 1]]}),
        revision(eligible=None),
        revision(status="stopped"),
        revision(goals=["orders.count", {"goal": "orders.revenue", "better": "lower", "guardrail": True}]),
        revision(parameters={"cta": {"type": "json", "default": None}}),
        revision(description="Words", start="2026-10-01T00:00:00Z"),
        revision(settings={"groups": {"staff": [1]}, "fanout": 4}),
        revision(metric=metric_document(description="Words")),
    ]
    assert set(same) == {revision()}


def test_leniently_a_bad_one_is_a_line_and_the_others_go_on() -> None:
    bad = experiment_document(id="bad", goals=["gone.n"])
    layers = [LAYER, {"id": "odd", "buckets": 3}]
    account = parse_account(trial_document(bad, other(note="mine"), experiment_document(), layers=layers), strict=False)
    assert list(account.layers) == ["homepage"]
    assert list(account.experiments) == ["hero_cta", "other"]
    assert [problem.partition(": ")[0] for problem in account.problems] == ["layers[1] (odd)", "experiments[0] (bad)"]


def test_leniently_the_later_one_of_two_that_collide_is_left_out() -> None:
    account = parse_account(trial_document(experiment_document(), other(allocation={"control": [[0, 1]]})), strict=False)
    assert list(account.experiments) == ["hero_cta"]
    assert len(account.problems) == 1


def test_without_valid_settings_nobody_is_assigned_or_counted() -> None:
    account = parse_account(trial_document(settings={"timezone": "Mars"}), strict=False)
    assert (account.metrics, account.experiments) == ({}, {})
