"""
Play a story: run its commands against a pool and tell, in colour, what happens.

The commands are printed for a shell with curl; the demo needs neither, and does by itself what they
do.
"""

import json
import re
import shlex
import time
from argparse import ArgumentParser
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, chdir
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from string import Template
from tempfile import TemporaryDirectory

import httpx2
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ccp.iso15118 import decode
from ccp.workshop.demo_steps import Step
from ccp.workshop.editions import edition_of
from ccp.workshop.errors import WorkshopError
from ccp.workshop.pool import running
from ccp.workshop.pool_answers import items_of


@dataclass(frozen=True, slots=True)
class Outcome:
    """
    How a command ended.

    Attributes:
        status: HTTP status, or exit status.
        output: HTTP body, or what was written.
        is_answer: Whether it is of HTTP.
    """

    status: int
    output: bytes
    is_answer: bool = False


RunCcp = Callable[[Sequence[str]], Outcome]
"""Runs `ccp` with arguments."""

_CURL = ArgumentParser("curl", allow_abbrev=False)
_CURL.add_argument("-X", "--request")
_CURL.add_argument("-H", "--header", action="append", default=[])
_CURL.add_argument("-d", "--data")
_CURL.add_argument("-o", "--output")
_CURL.add_argument("url")


def play(story: Mapping[str, Sequence[Step]], console: Console, *, run_ccp: RunCcp) -> None:
    """
    Play a story in a folder of its own, with servers of its own; all are gone afterwards.

    Raises:
        WorkshopError: A server does not start, or a step did not end as the story has it.
    """
    began = time.monotonic()
    number = 0
    with TemporaryDirectory(prefix="ccp-story-") as name, ExitStack() as stack:
        folder = Path(name)
        stack.enter_context(chdir(folder))
        # No connection is kept, since a pool that ends waits for idle ones.
        # Its pool is on this machine, so a proxy in the environment is not asked.
        client = httpx2.Client(timeout=30, headers={"Connection": "close"}, trust_env=False)
        stack.enter_context(client)
        urls: dict[str, str] = {}
        for chapter, steps in story.items():
            console.print()
            console.rule(Text(chapter, "bold cyan"), align="left", style="cyan")
            for step in steps:
                number += 1
                _announce(console, number, step)
                command = Template(step.command).safe_substitute(urls)
                if step.serves:
                    root = stack.enter_context(running(command, folder))
                    served = {name: root + path for name, path in step.serves.items()}
                    urls |= served
                    for name, url in served.items():
                        _say(console, (f"{name}={url}", "green"))
                else:
                    outcome = _run(command, client, run_ccp)
                    _tell(console, outcome)
                    if outcome.status != step.status:
                        raise WorkshopError(f"step {number} should have ended with {step.status}")
    console.print()
    console.print(f"[bold green]All {number} steps as told[/], {time.monotonic() - began:.1f} s.")


def _run(command: str, client: httpx2.Client, run_ccp: RunCcp) -> Outcome:
    """Run a command: `ccp`, `curl`, or the one piped into the other."""
    outcome = Outcome(0, b"")
    for part in command.split(" |\n"):
        program, *arguments = shlex.split(part)
        if program == "curl":
            outcome = _curl(client, arguments, outcome.output)
        else:
            outcome = run_ccp(arguments)
    return outcome


def _curl(client: httpx2.Client, arguments: Sequence[str], stdin: bytes) -> Outcome:
    """Do what curl does, with those of its arguments that a story needs."""
    given = _CURL.parse_args(arguments)
    body = None
    if given.data:
        body = stdin if given.data == "@-" else Path(given.data.removeprefix("@")).read_bytes()
    method = given.request or ("POST" if body else "GET")
    headers = [header.split(": ", 1) for header in given.header]
    try:
        answer = client.request(method, given.url, content=body, headers=headers)
    except httpx2.HTTPError as error:
        raise WorkshopError(f"the pool does not answer: {error}") from None
    if given.output:
        Path(given.output).write_bytes(answer.content)
    return Outcome(answer.status_code, answer.content, is_answer=True)


def _announce(console: Console, number: int, step: Step) -> None:
    line = Table.grid(padding=(0, 1))
    line.add_row(Text(f"{number:2} ", "dim"), Text.assemble((step.who, "bold"), f" {step.does}"))
    console.print()
    console.print(line)
    # Not wrapped, so that it can be copied.
    console.print(Text(f"    $ {step.command}", "yellow"), soft_wrap=True)


def _say(console: Console, *parts: str | tuple[str, str]) -> None:
    console.print(Padding(Text.assemble(*parts), (0, 0, 0, 4), expand=False))


def _tell(console: Console, outcome: Outcome) -> None:
    if not outcome.is_answer:
        for line in outcome.output.decode().splitlines():
            _say(console, (line, "red" if line.startswith(("✗", "Error")) else "green"))
        return
    status, phrase = outcome.status, HTTPStatus(outcome.status).phrase
    answer = json.loads(outcome.output) if outcome.output else {}
    _say(console, (f"{status} {phrase}", "bold green" if status < 400 else "bold red"))
    for message in answer.get("errorMessages", []):
        _say(console, (message, "red"))
    for item in answer.get("contractDataCollection", []):
        root = re.search("CN=[^,]*", item["cpsV2GRootDistinguishedName"])
        default = ", the default" if item["defaultContract"] else ""
        _say(console, (f"{item['emaid']} under {root and root[0]}{default}", "green"))
    for item in items_of(answer):
        _say(console, (_in_short(item), "magenta"))


def _in_short(item: Mapping[str, str]) -> str:
    """What a pool's item with a message says, in a line; it has an EMAID if it is a contract."""
    message = decode(b64decode(item["certificateInstallationRes"]))
    answer = edition_of(message).read_answer(message)
    if answer is None:
        return "no CertificateInstallationRes"
    told = [answer.response_code, f"session {answer.session_id.hex().upper()}"]
    if "emaid" in item:
        told.insert(1, item["emaid"])
        if answer.remaining is not None:
            told.append(f"{answer.remaining} to follow")
    return f"CertificateInstallationRes: {', '.join(told)}"
