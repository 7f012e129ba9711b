"""Rounds over experiments with a real HTTP server as the webhook: delivery, repeats, restarts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pipeline.model.definition import AccountDefinitions, Settings, Snapshot
from pipeline.model.errors import TransientStoreError, UsageError
from pipeline.model.experiment import Experiment
from pipeline.store.contract import Store
from readers.experiments.totals import TrialTotals
from readers.watch import rounds
from readers.watch.judgement import Manners, Message
from readers.watch.memory_file import MemoryFile
from readers.watch.rounds import Round
from readers.watch.webhook import TRIES, Untold, Webhook
from tests.support.trials import METRICS, converted, counted, epoch, experiment, totals
from tests.support.webhook import DROPPED, WebhookServer, webhook_server

NOW = datetime(2026, 10, 5, 12, tzinfo=UTC)
OF = experiment(epochs=[epoch(1, "2026-10-01T00:00:00Z", control=512, friendly=512)])
AT_ONCE = Manners(0, 0, 1)
STORE: Any = object()  # nothing is read of it: the totals are given


def counts(control: int, friendly: int, visitors: int = 20_000, of_control: int | None = None) -> TrialTotals:
    own = counted("control", of_control or visitors, converted(control))
    return totals(own, counted("friendly", visitors, converted(friendly)))


WIN, EVEN, LOSS = counts(120, 260), counts(120, 125), counts(260, 120)
BROKEN = counts(120, 260, of_control=24_000)


@dataclass
class Desk:
    """A watcher that is restarted at will."""

    hook: WebhookServer
    state: Path
    found: dict[str, TrialTotals | Exception] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    manners: Manners = AT_ONCE

    def look(self, *found: TrialTotals, of: tuple[Experiment, ...] = (OF,), times: int = 1) -> bool:
        """One look of a watcher that has just been started, or several in a row."""
        with MemoryFile.opened(self.state) as memories:
            for totals_now in found or (None,):
                if totals_now is not None:
                    self.found = {one.id: totals_now for one in of}
                for _ in range(times):
                    told = self.round(memories).look(STORE, definitions(*of))
        return told

    def round(self, memories: MemoryFile) -> Round:
        return Round(memories, Webhook(self.hook.url, self.wait), self.manners, None, lambda: NOW)

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        return False


def definitions(*experiments: Experiment) -> Snapshot:
    return Snapshot.of([AccountDefinitions.of("acme", Settings(), METRICS.values(), experiments=experiments)])


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    def read(store: Store, account: str, experiment: Experiment, *_: object) -> TrialTotals:
        found = made.found[experiment.id]
        if isinstance(found, Exception):
            raise found
        return found

    monkeypatch.setattr(rounds, "read_totals", read)
    with webhook_server() as hook:
        made = Desk(hook, tmp_path / "state.json")
        yield made


def test_a_change_of_decision_is_told_once_over_restarts(desk: Desk) -> None:
    for _ in range(5):
        assert desk.look(WIN)
    (text,) = desk.hook.texts
    assert text.startswith("hero_cta (acme, epoch 1): ship friendly. friendly is better than control")
    assert text.endswith(f"[message {desk.hook.ids[0]}]")


def test_what_no_longer_holds_is_taken_back(desk: Desk) -> None:
    desk.look(WIN, EVEN, LOSS)
    assert len(desk.hook.texts) == 3
    assert "RETRACTED: ship friendly no longer holds; now: keep running" in desk.hook.texts[1]
    assert "roll back friendly" in desk.hook.texts[2] and "RETRACTED" not in desk.hook.texts[2]


def test_the_looks_in_a_row_are_counted_over_a_restart(desk: Desk) -> None:
    desk.manners = Manners(0, 0, 3)
    for seen in (0, 0, 1, 1):
        desk.look(WIN)
        assert len(desk.hook.texts) == seen


def test_while_the_sample_ratio_fails_one_message_says_so(desk: Desk) -> None:
    desk.look(BROKEN, WIN, BROKEN, times=4)
    assert ["sample ratio is broken" in text for text in desk.hook.texts] == [True, False, True]


def test_nothing_is_told_too_early(desk: Desk) -> None:
    desk.manners = Manners(min_hours=200, min_visitors=0, looks=1)
    desk.look(WIN)
    desk.manners = Manners(min_hours=0, min_visitors=50_000, looks=1)
    desk.look(WIN)
    assert desk.hook.texts == []
    desk.manners = Manners(min_hours=108, min_visitors=40_000, looks=1)  # it began 108 hours ago
    desk.look(WIN)
    assert len(desk.hook.texts) == 1


def test_a_webhook_that_is_down_for_a_while_is_asked_again_with_growing_pauses(desk: Desk) -> None:
    desk.hook.answers = [503, 500, 429]
    assert desk.look(WIN)
    assert len(desk.hook.texts) == 1 and desk.waits == [1.0, 2.0, 4.0]


def test_what_is_not_taken_is_told_at_a_later_look_even_after_a_restart(desk: Desk) -> None:
    desk.hook.answers = [503] * TRIES
    assert not desk.look(WIN)
    assert desk.hook.texts == [] and desk.hook.asked == TRIES
    assert desk.look(EVEN)
    assert ["ship friendly. " in desk.hook.texts[0], "RETRACTED" in desk.hook.texts[1]] == [True, True]


def test_a_webhook_that_refuses_for_good_is_asked_once_a_look(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.hook.answers = [404, 302]
    assert not desk.look(WIN) and not desk.look(WIN)
    assert desk.hook.asked == 2 and desk.waits == []
    assert "127.0.0.1 answers 404" in caplog.text and "secret" not in caplog.text
    assert desk.look(WIN) and len(desk.hook.texts) == 1


def test_a_lost_answer_repeats_the_message_with_the_same_id(desk: Desk) -> None:
    desk.hook.answers = [DROPPED]
    assert desk.look(WIN)
    assert len(desk.hook.ids) == 2 and len(set(desk.hook.ids)) == 1


def test_a_watcher_killed_after_sending_repeats_with_the_same_id_and_then_never_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell: Callable[[Webhook, Message], None] = Webhook.tell

    def killed(self: Webhook, message: Message) -> None:
        tell(self, message)
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Webhook, "tell", killed)
        with pytest.raises(KeyboardInterrupt):
            desk.look(WIN)
    desk.look(WIN)
    desk.look(WIN)
    assert len(desk.hook.ids) == 2 and len(set(desk.hook.ids)) == 1


def test_one_experiment_that_cant_be_read_hinders_no_other(desk: Desk) -> None:
    other = experiment(id="footer", epochs=OF.epochs)
    desk.found = {"hero_cta": TransientStoreError("no answer"), "footer": WIN}
    assert not desk.look(of=(OF, other))
    assert [text.partition(" ")[0] for text in desk.hook.texts] == ["footer"]


def test_a_draft_and_what_was_stopped_before_are_not_told_and_what_is_stopped_meanwhile_is(desk: Desk) -> None:
    stopped = experiment(epochs=OF.epochs, status="stopped")
    desk.look(WIN, of=(stopped,))
    desk.look(WIN, of=(experiment(epochs=OF.epochs, status="draft"),))
    assert desk.hook.texts == []
    desk.look(EVEN)
    desk.look(EVEN, of=(stopped,))
    assert "no difference. It is over" in desk.hook.texts[0]


def test_what_is_deleted_is_forgotten_when_all_is_told(desk: Desk) -> None:
    desk.hook.answers = [503] * TRIES
    desk.look(WIN)
    desk.look(of=())
    assert len(desk.hook.texts) == 1 and desk.look(of=())
    assert '"experiments": []' in desk.state.read_text()


def test_two_watchers_do_not_share_a_state(desk: Desk) -> None:
    with MemoryFile.opened(desk.state), pytest.raises(UsageError, match="another `daycount watch` uses it"):
        desk.look(WIN)


@pytest.mark.parametrize("content", ["", "[]", '{"version": 2}', '{"version": 1, "experiments": [{}]}'])
def test_a_state_that_is_none_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "state").write_text(content)
    with pytest.raises(UsageError, match="--state"), MemoryFile.opened(tmp_path / "state"):
        pass


def test_names_that_look_like_markup_are_told_as_they_are(desk: Desk) -> None:
    Webhook(desk.hook.url, desk.wait).tell(Message("1", "<!channel> a & b"))
    assert desk.hook.texts == ["&lt;!channel&gt; a &amp; b [message 1]"]


def test_a_webhook_that_nobody_answers_is_untold(desk: Desk) -> None:
    with pytest.raises(Untold, match="localhost can't be reached"):
        Webhook("http://localhost:1/secret", desk.wait).tell(Message("1", "x"))
    with pytest.raises(UsageError, match="--webhook is no address"):
        Webhook("hooks.slack.com/secret", desk.wait)
