"""Complex types: the one loop that decodes and the one that encodes, and how values are built."""

from collections.abc import Callable, Sequence, Sized
from dataclasses import fields
from operator import attrgetter
from typing import Any

from ccp.iso15118.bits import CUT_OFF, DEPARTS, Reader, Writer
from ccp.iso15118.errors import ExiError
from ccp.iso15118.grammar import (
    END,
    Choice,
    Element,
    Grammar,
    Part,
    Refused,
    State,
    expected_name,
    name_of,
    occurrence,
)
from ccp.iso15118.messages import Message

MOST_ITEMS = 32  # in any list: where the schema sets no limit, ISO 15118 needs 4 at most


class ComplexType:
    """
    A type with attributes or child elements.

    Args:
        namespace: The namespace of the names in it.
        parts: Attributes in alphabetical order, then content.
        slots: The names of the fields, in the order of the arguments of *build*.
        build: Builds the type's value from its fields: None for an absent part, a list for a list.
        take: The inverse: returns the values of the fields, in the order of *parts*.
        mixed: Whether the schema allows text between children, which is refused.
        is_list: Whether the value is a list, empty for an absent element.
    """

    def __init__(
        self,
        namespace: str,
        parts: Sequence[Part],
        slots: Sequence[str],
        build: Callable[..., Any],
        take: Callable[[Any], Sequence[Any]],
        *,
        mixed: bool = False,
        is_list: bool = False,
    ) -> None:
        self.namespace = namespace
        self.parts = parts
        self.mixed = mixed
        self.is_list = is_list
        self.start = Grammar(parts, slots, mixed=mixed).start
        self._build = build
        self._take = take
        self._blank = [None] * len(slots)
        taken = [
            (slots.index(option.field), most != 1, option)
            for options, _, most in map(occurrence, parts)
            for option in options
            if not isinstance(option, Refused)
        ]
        self._order = [(slot, listed) for slot, listed, _ in taken]
        self._lists = [
            slot
            for slot, listed, option in taken
            if listed or (isinstance(option.type, ComplexType) and option.type.is_list)
        ]

    def read(self, reader: Reader) -> Any:
        values: list[Any] = self._blank.copy()
        for slot in self._lists:
            values[slot] = []
        state = self.start
        while True:
            event = state.only or state.plain[reader.code(state.width)]
            option, slot, read, _, before, after, listed, state = event
            try:
                reader.zeros += before
                if read is None:
                    return self._build(*values)
                value = read(reader)
                reader.zeros += after
            except (ExiError, IndexError) as fault:
                error = fault if isinstance(fault, ExiError) else reader.error(CUT_OFF)
                if error.bit is None:
                    error.bit = min(reader.position, reader.size)
                if error.problem is DEPARTS and not error.expected:  # nothing else could come
                    error.expected = (expected_name(option, slot),)
                error.add_parent(name_of(option))
                raise error from None
            if listed:
                items = values[slot]
                items.append(value)
                if len(items) > MOST_ITEMS:  # asked here too, for a call takes its time
                    check_count(items)
            else:
                values[slot] = value

    def write(self, writer: Writer, value: Any) -> None:
        state = self.start
        for (slot, listed), field in zip(self._order, self._take(value), strict=True):
            if field is None or field == []:
                continue
            if listed:
                check_count(field)
            for item in field if listed else (field,):
                code = state.codes.get(slot)
                if code is None:
                    raise ExiError(_misfit(state))
                width = state.width
                option, _, _, write, _, after, _, state = state.plain[code]
                writer.code(code << after, width + after)
                try:
                    write(writer, item)
                except ExiError as error:
                    error.add_parent(name_of(option))
                    raise
                if after:
                    writer.code(0, after)
        if END not in state.codes:
            raise ExiError(_misfit(state))
        writer.code(state.codes[END], state.width)


def check_count(items: Sized) -> None:
    """Raise ExiError if a list is too long."""
    if len(items) > MOST_ITEMS:
        raise ExiError(f"has more than {MOST_ITEMS} items in a list")


def _misfit(state: State) -> str:
    """
    Why an event is not among those of *state*.

    The last of these is required, or the choice that it is of, after all of which goes the same.
    """
    events = state.events[: len(state.codes)]
    *others, last = [name_of(event.option) for event in events if event.next is events[-1].next]
    if not last:
        return "has too many items"
    return f"lacks {', '.join(others)} or {last}" if others else f"lacks {last}"


def _fields(parts: Sequence[Part]) -> list[str]:
    options = [option for part in parts for option in occurrence(part)[0]]
    return [option.field for option in options if not isinstance(option, Refused)]


def record(namespace: str, cls: Any, *parts: Part, mixed: bool = False) -> ComplexType:
    """A type whose value is the dataclass *cls*, whose first fields are those of *parts*."""
    named = _fields(parts)
    slots = [field.name for field in fields(cls) if field.name in named]
    return ComplexType(namespace, parts, slots, cls, attrgetter(*named), mixed=mixed)


def message(namespace: str, header: Element, body: Any, *parts: Part) -> ComplexType:
    """The type of a message whose first element is its header: *body* has the fields of *parts*."""
    named = _fields(parts)
    slots = [header.field, *(field.name for field in fields(body) if field.name in named)]
    take = attrgetter(*named)
    return ComplexType(
        namespace,
        (header, *parts),
        slots,
        lambda head, *values: Message(head, body(*values)),
        lambda value: (value.header, *take(value.body)),
    )


def single(namespace: str, *parts: Part, mixed: bool = False) -> ComplexType:
    """A type whose value is that of its only field, be it a list."""
    is_list = any(most != 1 for _, _, most in map(occurrence, parts))
    return ComplexType(
        namespace,
        parts,
        _fields(parts),
        lambda v: v,
        lambda v: (v,),
        mixed=mixed,
        is_list=is_list,
    )


def union(namespace: str, classes: Sequence[type], choice: Choice) -> ComplexType:
    """A type whose value is that of the one child chosen; *classes* in the order of the fields."""

    def build(*values: Any) -> Any:
        return next(filter(None, values))

    def take(value: Any) -> list[Any]:
        return [value if isinstance(value, cls) else None for cls in classes]

    return ComplexType(namespace, (choice,), _fields((choice,)), build, take)
