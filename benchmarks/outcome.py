"""The figures of one contestant's run, their medians over several, and their line in the table."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from statistics import median

HEAD = (
    "| | events/s, net | whole process | ÷ plain Python | peak MB | CPU s | store's peak MB | CPU s | exact |\n"
    "|---|---|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True, slots=True)
class Figures:
    """`net` leaves process start-up out, by the contestant's own clock; a store of its own process costs extra."""

    net_per_s: float
    whole_per_s: float
    peak_mb: float
    cpu_s: float
    store_peak_mb: float = 0.0
    store_cpu_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """No figures: it failed, and `faults` says why. `exact` is None where there is nothing to compare."""

    label: str
    figures: Figures | None
    exact: bool | None
    faults: tuple[str, ...] = ()

    def line(self, bound_per_s: float) -> str:
        """The row of the table; `bound_per_s` is plain Python's net figure."""
        if self.figures is None:
            return f"| {self.label} | failed | | | | | | | |"
        f = self.figures
        store = f"{f.store_peak_mb:.0f} | {f.store_cpu_s:.1f}" if f.store_peak_mb else " | "
        exact = {None: "", True: "yes", False: "**no**"}[self.exact]
        return (
            f"| {self.label} | {f.net_per_s:,.0f} | {f.whole_per_s:,.0f} | {f.net_per_s / bound_per_s:.2f} "
            f"| {f.peak_mb:.0f} | {f.cpu_s:.1f} | {store} | {exact} |"
        )


def median_of(outcomes: Sequence[Outcome]) -> Outcome:
    """Each figure's median; exact only if every run was; failed if one did."""
    label, faults = outcomes[0].label, tuple(dict.fromkeys(f for outcome in outcomes for f in outcome.faults))
    runs = [outcome.figures for outcome in outcomes if outcome.figures]
    if len(runs) < len(outcomes):
        return Outcome(label, None, None, faults)
    figures = Figures(*(median(getattr(run, field.name) for run in runs) for field in fields(Figures)))
    exact = None if outcomes[0].exact is None else all(outcome.exact for outcome in outcomes)
    return Outcome(label, figures, exact, faults)
