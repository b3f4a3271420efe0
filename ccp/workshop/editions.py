"""The editions that the workshop plays."""

from ccp import iso15118
from ccp.iso15118 import Message
from ccp.workshop.edition import Edition
from ccp.workshop.edition_2 import Edition2
from ccp.workshop.edition_20 import Edition20

EDITION_2: Edition = Edition2()
EDITION_20: Edition = Edition20()
EDITIONS = (EDITION_2, EDITION_20)


def edition_of(message: Message) -> Edition:
    """The edition whose message this is."""
    codec = iso15118.edition_of(message)
    return next(edition for edition in EDITIONS if edition.codec is codec)
