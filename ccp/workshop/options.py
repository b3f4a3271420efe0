"""The options of `ccp workshop`: what they take, and what they mean by default."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from ccp.domain.identifiers import Emaid, Pcid, parse_session_id
from ccp.workshop.edition import Edition, TimeUnit
from ccp.workshop.editions import EDITION_2, EDITIONS
from ccp.workshop.fault import Fault
from ccp.workshop.pki import V2G_ROOTS

_MOST_PRIORITIZED = 8
_MOST_CONTRACTS = 255
_WITH_LISTS = next(edition for edition in EDITIONS if edition.has_lists)
_ONLY = f"edition {_WITH_LISTS.number}"


def _callback(
    parse: Callable[[str, Edition], Any],
    problem: Callable[[Edition], str],
    default: Callable[[Edition], str] | None = None,
) -> Callable[..., Any]:
    """
    The callback of an option whose meaning depends on the edition.

    Args:
        parse: Reads its text; what it cannot read has a *problem*.
        default: The text to read if none is given; without one it is then None.
    """

    def one(ctx: click.Context, text: str | None) -> Any:
        edition: Edition = ctx.params["edition"]
        if text is None:
            return parse(default(edition), edition) if default else None
        try:
            return parse(text, edition)
        except (ValueError, LookupError):
            raise click.BadParameter(f"{text!r} {problem(edition)}") from None

    def callback(ctx: click.Context, param: click.Parameter, given: Any) -> Any:
        return [one(ctx, text) for text in given] if param.multiple else one(ctx, given)

    return callback


def _for_lists(ctx: click.Context, param: click.Parameter, given: Any) -> Any:
    """The callback of an option that is for editions whose cars ask for several contracts."""
    edition: Edition = ctx.params["edition"]
    if given and not edition.has_lists:
        raise click.UsageError(f"{param.opts[0]} is not of {edition}; --{_ONLY} has it")
    return given


def _parse_emaid(text: str, edition: Edition) -> str:
    emaid = Emaid.parse(text).text
    if len(emaid) not in edition.emaid_lengths:
        raise ValueError
    return emaid


def _parse_pcid(text: str, edition: Edition) -> str:
    pcid = Pcid.parse(text).key
    if len(pcid) not in edition.pcid_lengths:
        raise ValueError
    return pcid


def _parse_session_id(text: str, edition: Edition) -> bytes:
    session_id = parse_session_id(text)
    if len(session_id) not in edition.session_id_lengths:
        raise ValueError
    return session_id


def _span(lengths: range) -> str:
    """The lengths that are allowed, as people say it."""
    ends = dict.fromkeys((lengths[0], lengths[-1]))
    return (" or " if len(lengths) == 2 else " to ").join(map(str, ends))


def _by_edition(what: Callable[[Edition], str]) -> str:
    """Each edition's own, for a help text."""
    return ", ".join(f"{what(edition)} for edition {edition.number}" for edition in EDITIONS)


def _emaid_problem(edition: Edition) -> str:
    return f"is not an EMAID of {_span(edition.emaid_lengths)} characters"


_emaids = _callback(_parse_emaid, _emaid_problem)


def _prioritized(ctx: click.Context, param: click.Parameter, given: Any) -> Any:
    if len(_for_lists(ctx, param, given)) > _MOST_PRIORITIZED:
        raise click.BadParameter(f"at most {_MOST_PRIORITIZED} contracts can be wanted first")
    return _emaids(ctx, param, given)


def _time_unit(ctx: click.Context, param: click.Parameter, given: Any) -> TimeUnit:
    return TimeUnit[given.upper()] if _for_lists(ctx, param, given) else TimeUnit.SECONDS


edition_option = click.option(
    "--edition",
    type=click.Choice([edition.number for edition in EDITIONS]),
    default=EDITION_2.number,
    show_default=True,
    is_eager=True,  # others depend on it
    callback=lambda _ctx, _param, number: next(
        edition for edition in EDITIONS if edition.number == number
    ),
    help="Of ISO 15118.",
)
folder_option = click.option(
    "-f",
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default="workshop",
    show_default=True,
    help="The workshop's folder.",
)
pki_url_option = click.option(
    "--pki-url",
    metavar="URL",
    help="Of the PKI service, for certificates to name it; such as http://127.0.0.1:8090.",
)
emaid_option = click.option(
    "--emaid",
    callback=_callback(_parse_emaid, _emaid_problem, lambda edition: edition.emaid),
    help=f"The contract.  [default: {_by_edition(lambda edition: edition.emaid)}]",
)
pcid_option = click.option(
    "--pcid",
    callback=_callback(
        _parse_pcid,
        lambda edition: f"is not a PCID of {_span(edition.pcid_lengths)} letters and digits",
        lambda edition: edition.pcid,
    ),
    help=f"The car.  [default: {_by_edition(lambda edition: edition.pcid)}]",
)
root_option = click.option(
    "--root",
    type=click.Choice(V2G_ROOTS),
    default="A",
    show_default=True,
    help="The V2G root whose CPS signs.",
)
roots_option = click.option(
    "--root",
    "roots",
    type=click.Choice(V2G_ROOTS),
    multiple=True,
    default=["A"],
    show_default=True,
    help="A V2G root that the car has installed; may be given twice.",
)
session_id_option = click.option(
    "--session-id",
    metavar="HEX",
    callback=_callback(
        _parse_session_id,
        lambda edition: f"is not {_span(edition.session_id_lengths)} bytes in hex",
    ),
    help="The charging session's; drawn by default.",
)
maximum_option = click.option(
    "--maximum",
    metavar="N",
    type=click.IntRange(1, _MOST_CONTRACTS),
    callback=_for_lists,
    help="How many contracts the car has room for."
    f"  [{_ONLY}; default: {_WITH_LISTS.usual_maximum}]",
)
prioritize_option = click.option(
    "--prioritize",
    "prioritized",
    metavar="EMAID",
    multiple=True,
    callback=_prioritized,
    help=f"A contract that the car wants first; up to {_MOST_PRIORITIZED} times.  [{_ONLY}]",
)
time_unit_option = click.option(
    "--time-unit",
    type=click.Choice([unit.name.lower() for unit in TimeUnit]),
    callback=_time_unit,
    help=f"What the TimeStamp counts.  [{_ONLY}; default: seconds]",
)
output_option = click.option(
    "-o",
    "--output",
    type=click.File("w", lazy=True),
    default="-",
    help="Where to write it; standard output by default.",
)


def fault_option(faults: Mapping[Edition, Mapping[str, Fault[Any]]]) -> Callable[..., Any]:
    """The option that makes something wrong, which depends on the command."""
    return click.option(
        "--fault",
        metavar="NAME",
        callback=_callback(
            lambda name, edition: faults[edition][name],
            lambda edition: (
                f"is none of the faults that `ccp workshop faults --edition {edition.number}` lists"
            ),
        ),
        help="Make it wrong; see `ccp workshop faults`.",
    )
