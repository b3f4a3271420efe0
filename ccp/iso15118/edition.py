"""The documents and fragments of an edition of ISO 15118, for the codec."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from ccp.iso15118.complex_types import ComplexType
from ccp.iso15118.grammar import Type


@dataclass(frozen=True)
class Root:
    """
    The root element of a document.

    Attributes:
        code, width: Its event code, and the width of that in bits.
        bodies: The classes of the message bodies in such a document.
    """

    name: str
    code: int
    width: int
    content: ComplexType
    bodies: tuple[type, ...]

    @property
    def octet(self) -> int:
        """The document's second octet: the code, and zeros for the events after it."""
        return self.code << 8 - self.width


@dataclass(frozen=True)
class RelaxedElement:
    """Event codes of an element with an Id and characters in the relaxed grammar of a fragment."""

    value: Type
    start_width: int  # bits of the first two codes
    id: int
    characters: int
    end_width: int
    end: int


@dataclass(frozen=True)
class Fragments:
    """
    Fragments of one element each: code and type by name, and the code that ends a fragment.

    *relaxed* has the elements whose name the schemas give to several types (EXI 1.0 §8.5.3).
    """

    width: int  # of both codes, in bits
    end: int
    elements: Mapping[str, tuple[int, Type]]
    relaxed: Mapping[str, RelaxedElement] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Edition:
    """An edition of ISO 15118: its everyday *name*, its documents and its fragments."""

    name: str
    roots: tuple[Root, ...]
    fragments: Fragments
