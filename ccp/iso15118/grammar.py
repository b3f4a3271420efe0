"""
EXI grammars of schema types: states, events and event codes (EXI 1.0 §8.5.4).

A type is declared as data, in the order of its schema: attributes in alphabetical order, then
content. Its states are derived from that. A state knows the events that may come next. With n
events an event code has ``n.bit_length()`` bits, since one code is reserved for a deviation from
the schema, which ISO 15118 does not use. A list of at most k items has k states, and the code of
an item disappears once the list is full. So a limit in a schema changes bits; the pool's own
limits are therefore checks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn, Protocol

from ccp.iso15118.bits import DEPARTS, Reader, Writer
from ccp.iso15118.errors import END_OF_ELEMENT, ITS_VALUE, ExiError
from ccp.iso15118.values import SimpleType


class Type(Protocol):
    """Reads and writes the content of an element or an attribute."""

    def read(self, reader: Reader) -> Any: ...

    def write(self, writer: Writer, value: Any) -> None: ...


@dataclass(frozen=True)
class Attribute:
    name: str
    field: str  # of the dataclass
    type: Type
    required: bool = False


@dataclass(frozen=True)
class Element:
    """
    A child element.

    Attributes:
        least, most: How often it occurs; *most* is None for an unbounded list.
        namespace: The namespace of its name, if it differs from that of the declaring type.
    """

    name: str
    field: str
    type: Type
    least: int = 1
    most: int | None = 1
    namespace: str | None = None


@dataclass(frozen=True)
class Value:
    """The content of a type that has attributes, but no child elements."""

    field: str
    type: Type


@dataclass(frozen=True)
class Refused:
    """A part that the schema allows and ISO 15118 does not use; it only takes an event code."""

    what: str


@dataclass(frozen=True)
class Choice:
    """One of *options*, from *least* to *most* times."""

    options: tuple[Element | Refused, ...]
    least: int = 1
    most: int | None = 1


Option = Attribute | Element | Value | Refused
Part = Option | Choice


def occurrence(part: Part) -> tuple[tuple[Option, ...], int, int | None]:
    """Return the options of *part*, and its least and most occurrences."""
    match part:
        case Choice():
            return part.options, part.least, part.most
        case Element():
            return (part,), part.least, part.most
        case Attribute():
            return (part,), int(part.required), 1
        case Value():
            return (part,), 1, 1
        case Refused():
            return (part,), 0, 1


class Event(NamedTuple):
    """An event, and how to read and write it."""

    option: Option | None  # None for the end, or a refused event
    slot: int  # number of the field that takes the value
    read: Callable[[Reader], Any] | None  # None for the end
    write: Callable[[Writer, Any], None]
    before: int  # certain zeros: the event's own code, the start of a simple value's characters
    after: int  # certain zeros: the end of a simple element
    listed: bool
    next: "State"


class State:
    """
    A state of a grammar: the events that may come next.

    Attributes:
        width: Width of an event code in bits.
        events: Events by code; codes without an event have one that raises an error.
        plain: The events as plain tuples, which are faster to unpack.
        only: The event in *plain* if it is the only one, so that its code is a zero; else None.
        codes: The code of each slot's event, and that of the end under END.
    """

    __slots__ = ("codes", "events", "only", "plain", "width")

    def __init__(self) -> None:
        self.width = 0
        self.events: tuple[Event, ...] = ()
        self.plain: tuple[tuple[Any, ...], ...] = ()
        self.only: tuple[Any, ...] | None = None
        self.codes: dict[int, int] = {}

    def fill(self, events: Sequence[Event]) -> None:
        self.width = len(events).bit_length()
        certain = len(events) == 1
        if certain:
            events = [events[0]._replace(before=events[0].before + 1)]
        beyond = (1 << self.width) - len(events)
        self.events = (*events, *[_refusal(DEPARTS, self)] * beyond)
        self.plain = tuple([tuple(event) for event in self.events])
        self.only = self.plain[0] if certain else None
        self.codes = {e.slot: code for code, e in enumerate(events) if e.slot != _NO_SLOT}

    @property
    def expected(self) -> list[str]:
        """The names of the events that may come here, for errors."""
        events = [event for event in self.events if event.slot != _NO_SLOT]
        return [expected_name(event.option, event.slot) for event in events]


END = -1
_NO_SLOT = -2


def name_of(option: Option | None) -> str:
    """Return the name of an event's element or attribute; empty for an event of the parent."""
    return option.name if isinstance(option, Attribute | Element) else ""


def expected_name(option: Option | None, slot: int) -> str:
    """Return the name of an event in errors; *option* and *slot* are the event's."""
    return name_of(option) or (END_OF_ELEMENT if slot == END else ITS_VALUE)


def _refusal(problem: str, state: State) -> Event:
    """Build an event that raises an error when it is read in *state*."""

    def read(reader: Reader) -> NoReturn:
        raise ExiError(problem, reader.position - state.width, state.expected)  # its code was read

    return Event(None, _NO_SLOT, read, _write_nothing, 0, 0, False, state)


def _write_nothing(_: Writer, __: Any) -> None:
    """Write an event without a value: nothing."""


class Grammar:
    """
    The states of a type.

    Args:
        parts: Attributes in alphabetical order, then content.
        slots: The names of the fields; their order numbers them.
        mixed: Whether the schema allows text between children, which is refused.
    """

    def __init__(self, parts: Sequence[Part], slots: Sequence[str], *, mixed: bool) -> None:
        self._parts = parts
        self._slots = slots
        self._mixed = mixed
        self._states: dict[tuple[int, int], State] = {}
        self.start = self._state(0, 0)

    def _state(self, index: int, count: int) -> State:
        """Return the state after *count* occurrences of the part *index*."""
        state = self._states.get((index, count))
        if state is None:
            state = self._states[index, count] = State()  # before it is filled: lists have loops
            state.fill(self._events(index, count, state))
        return state

    def _events(self, index: int, count: int, state: State) -> list[Event]:
        events = []
        for position in range(index, len(self._parts)):
            options, least, most = occurrence(self._parts[position])
            if most is None or count < most:
                following = self._state(position, 1 if most is None else count + 1)
                events += [self._event(option, most != 1, state, following) for option in options]
            if count < least:
                return events
            count = 0
        events.append(Event(None, END, None, _write_nothing, 0, 0, False, state))
        if self._mixed:  # in the types of ISO 15118, wherever the end is allowed
            events.append(_refusal("has text in it, which is not used here", state))
        return events

    def _event(self, option: Option, listed: bool, state: State, following: State) -> Event:
        if isinstance(option, Refused):
            return _refusal(f"has {option.what}, which is not used here", state)
        simple = int(isinstance(option, Element) and isinstance(option.type, SimpleType))
        return Event(
            option,
            self._slots.index(option.field),
            option.type.read,
            option.type.write,
            simple,
            simple,
            listed,
            following,
        )
