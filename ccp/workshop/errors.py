"""What can go wrong in the workshop, told in one line."""


class WorkshopError(Exception):
    """Something that is asked for cannot be made; the text is for whoever asked."""


class AnswerRefused(WorkshopError):
    """A car does not install what it was sent; the text says why."""
