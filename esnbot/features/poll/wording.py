"""What people read of a poll. Of an encrypted room no texts are at hand: there, answers go by their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from esnbot.community.tempo import QuietHours
from esnbot.features.hours import after_quiet
from esnbot.features.poll.model import Tally, sign
from esnbot.speech import Markdown, Voice, bold, bullets, escape, paragraphs

BETWEEN: Final = " · "


def paper(voice: Voice, texts: Sequence[str], several: int, secret: bool, end: Markdown, shown: Tally | None) -> str:
    """The text version: the question, the answers with their numbers and counts, and how to vote."""
    question, *answers = texts
    how = (
        voice.say(
            "To vote, react to this message with a number, or choose in the poll if you see it. Your last choice "
            "counts."
        )
        if several == 1
        else voice.say(
            "To vote, react to this message with numbers, {most} at most, or choose in the poll if you see it. Your "
            "last choices count.",
            most=several,
        )
    )
    discreet = voice.say(
        "The result comes at the end. Everybody sees who reacts here; what is chosen in the poll itself is not shown."
    )
    return paragraphs(
        bold(question),
        _lines(voice, answers, shown),
        so_far(voice, shown) if shown is not None else None,
        how,
        discreet if secret else None,
        end,
    )


def closed_paper(voice: Voice, texts: Sequence[str], result: Tally) -> str:
    """The text version once the poll is over."""
    question, *answers = texts
    return paragraphs(
        bold(question), _lines(voice, answers, result), voice.say("This poll is closed."), in_all(voice, result)
    )


def _lines(voice: Voice, answers: Sequence[str], shown: Tally | None) -> Markdown:
    return Markdown(
        "\n".join(
            Markdown(f"{sign(number)} {escape(answer)}")
            if shown is None
            else _counted(voice, number, answer, shown.totals[number - 1])
            for number, answer in enumerate(answers, 1)
        )
    )


def _counted(voice: Voice, number: int, answer: str, count: int) -> Markdown:
    return voice.say("{sign} {answer}: **{count}**", sign=Markdown(sign(number)), answer=answer, count=count)


def counts(voice: Voice, texts: Sequence[str] | None, shown: Tally) -> str:
    """The count alone, with the answers where they are at hand."""
    if texts is not None:
        return paragraphs(bold(texts[0]), _lines(voice, texts[1:], shown))
    return _numbers(shown)


def _numbers(shown: Tally) -> Markdown:
    return Markdown(BETWEEN.join(f"{sign(number)} **{count}**" for number, count in enumerate(shown.totals, 1)))


def running(voice: Voice, shown: Tally) -> str:
    """The count of a poll whose answers are in the room only, for the thread under it."""
    return paragraphs(_numbers(shown), so_far(voice, shown))


def final(voice: Voice, result: Tally) -> str:
    """The same once the poll is over."""
    return paragraphs(_numbers(result), voice.say("This poll is closed."), in_all(voice, result))


def so_far(voice: Voice, shown: Tally) -> Markdown:
    """How many have voted until now."""
    if not shown.voters:
        return voice.say("Nobody has voted yet.")
    return voice.plural("One person has voted.", "{n} people have voted.", shown.voters)


def in_all(voice: Voice, result: Tally) -> Markdown:
    """How many voted, when it is over."""
    if not result.voters:
        return voice.say("Nobody voted.")
    return voice.plural("One person voted.", "{n} people voted.", result.voters)


def over(voice: Voice, texts: Sequence[str] | None) -> Markdown:
    """That the poll is over."""
    if texts is None:
        return voice.say("The poll is over")
    return voice.say("The poll is over: {question}", question=texts[0])


def outcome(voice: Voice, texts: Sequence[str] | None, result: Tally) -> str:
    """The result; what has the most votes stands out."""
    answers = texts[1:] if texts is not None else [""] * len(result.totals)
    lines = []
    for number, answer in enumerate(answers, 1):
        count = result.totals[number - 1]
        line = (
            voice.say("{sign} {answer}: {count}", sign=Markdown(sign(number)), answer=answer, count=count)
            if answer
            else voice.say("{sign}: {count}", sign=Markdown(sign(number)), count=count)
        )
        lines.append(Markdown(f"**{line}**") if number in result.leading else line)
    reactions = voice.plural(
        "One vote came by reaction: the poll itself does not show it.",
        "{n} votes came by reaction: the poll itself does not show them.",
        result.by_reaction,
    )
    voters = in_all(voice, result)
    return paragraphs(
        Markdown(f"**{over(voice, texts)}**"),
        bullets(lines) if result.voters else None,
        Markdown(f"{voters} {reactions}") if result.by_reaction else voters,
    )


def end(voice: Voice, until: datetime, dated: bool, quiet: QuietHours | None, zone: ZoneInfo) -> Markdown:
    """Until when one can vote, and when the result comes if not at once."""
    if not dated:
        return voice.say("No end is set: `!esn poll close` closes it.")
    told = after_quiet(until, quiet, zone)
    if told == until:
        return voice.say("Open until {moment}.", moment=voice.moment(until, zone))
    return voice.say(
        "Open until {moment}. That lies in the quiet hours: the result comes on {later}.",
        moment=voice.moment(until, zone),
        later=voice.moment(told, zone),
    )
