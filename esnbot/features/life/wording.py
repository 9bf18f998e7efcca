"""What is said about a group's life, in one language."""

from __future__ import annotations

from datetime import timedelta

from esnbot.community.group import Group
from esnbot.features.life.model import BUTTONS, Choice
from esnbot.speech import Markdown, Voice, bullets, code, paragraphs


def quiet(voice: Voice, name: str, span: timedelta, until: Markdown) -> Markdown:
    """The question to a group in which nobody writes."""
    return paragraphs(
        voice.say(
            "**Nobody has written here for {span}. What shall become of {group}?**",
            span=voice.duration(span),
            group=name,
        ),
        _choices(voice),
        voice.say(
            "React below, or reply to this message with one of these words, by {date}. The answer of somebody who owns "
            "the group counts at once; otherwise I do what most of you want.",
            date=until,
        ),
    )


def quiet_again(voice: Voice, name: str, until: Markdown) -> Markdown:
    """The second notice."""
    return paragraphs(
        voice.say("**Shall {group} be archived? Nobody has answered yet.**", group=name),
        voice.say(
            "If nobody answers by {date}, I archive it. Nothing is lost by that: everything stays readable, and `!esn "
            "group revive` opens it again.",
            date=until,
        ),
        _choices(voice),
    )


def _choices(voice: Voice) -> Markdown:
    return bullets(
        (
            voice.say("{button} **keep**: all stays as it is", button=_button(Choice.keep)),
            voice.say(
                "{button} **archive**: nobody writes here any more; everything stays readable, and `!esn group revive` "
                "opens it again",
                button=_button(Choice.archive),
            ),
            voice.say(
                "{button} **hand over**: I ask who would like to look after it from now on",
                button=_button(Choice.hand_over),
            ),
            voice.say(
                "{button} **merge**: its members are invited to another group, which its owners choose, and this one "
                "is archived",
                button=_button(Choice.merge),
            ),
        )
    )


def _button(choice: Choice) -> Markdown:
    return Markdown(BUTTONS[choice])


def kept(voice: Voice, name: str, span: timedelta | None) -> Markdown:
    """The members want to keep their group."""
    said = voice.say("**{group} stays.**", group=name)
    if span is None:
        return said
    more = voice.say("I will not ask again before it has been quiet for another {span}.", span=voice.duration(span))
    return Markdown(f"{said} {more}")


def archived(voice: Voice, name: str, *, wanted: bool) -> Markdown:
    """The group is archived, because its members want it or because nobody answered."""
    first = (
        voice.say("**{group} is archived, as you wanted.**", group=name)
        if wanted
        else voice.say("**{group} is archived: nobody answered.**", group=name)
    )
    more = voice.say("Everything stays readable, and `!esn group revive` opens it again.")
    return Markdown(f"{first} {more}")


def left_to_file(voice: Voice) -> Markdown:
    """What was decided is for the file, so for the animators."""
    return voice.say("I have passed it on to the animators: this group is declared in the community's file.")


def which_to_merge_with(voice: Voice, name: str, owners: list[Markdown]) -> Markdown:
    """The owners choose the group."""
    first = voice.say("**Which group shall {group} become part of?**", group=name)
    if not owners:
        more = voice.say("The animators choose it with you, with `!esn group merge`.")
        return Markdown(f"{first} {more}")
    more = voice.say(
        "{owners}: tell me here with `!esn group merge`, and the name of the other group.", owners=voice.list(owners)
    )
    return Markdown(f"{first} {more}")


def who_wants_it(voice: Voice, name: str, gone: Markdown | None, until: Markdown) -> Markdown:
    """The question who looks after the group from now on."""
    button = Markdown(BUTTONS[Choice.volunteer])
    return paragraphs(
        voice.say("**Who would like to look after {group}?**", group=name),
        voice.say("{person} has left, and nobody owns it now.", person=gone) if gone is not None else None,
        voice.say(
            "React with {button}, or reply `me` to this message: whoever is first has it. It takes little: the name, "
            "the topic, who may come in, and a friendly eye on what happens here.",
            button=button,
        ),
        voice.say("If nobody comes forward by {date}, I ask the animators.", date=until),
    )


def taken(voice: Voice, name: str, person: Markdown) -> Markdown:
    """Somebody looks after the group now."""
    first = voice.say("**{person} looks after {group} from now on.**", person=person, group=name)
    return Markdown(f"{first} {voice.say('Thank you! `!esn help group` shows what that can be.')}")


def nobody_wants_it(voice: Voice) -> Markdown:
    """To the group: nobody came forward."""
    return voice.say("Nobody has come forward to look after this group, so I have asked the animators.")


def stays_with(voice: Voice, name: str, giver: Markdown) -> Markdown:
    """Nobody takes over what an owner would have given away."""
    return voice.say("Nobody has come forward, so {group} stays with {person} for now.", group=name, person=giver)


# --- to the animators ------------------------------------------------------------------------------------------------


def without_owner(voice: Voice, link: Markdown, group: Group, *, asked: bool) -> Markdown:
    """Nobody looks after a group; whether its members were asked first."""
    first = (
        voice.say("**Nobody looks after {group}.** I have asked its members, and nobody came forward.", group=link)
        if asked
        else voice.say("**Nobody looks after {group}.**", group=link)
    )
    how = voice.say(
        "`!esn group add-owner PERSON --group {address}` gives it to somebody, `!esn group archive {address}` closes "
        "it.",
        address=_address(group),
    )
    return Markdown(f"{first} {how}")


def left_behind(voice: Voice, link: Markdown, group: Group) -> Markdown:
    """A group has neither owners nor members."""
    return voice.say(
        "**Nobody is left in {group}.** `!esn group archive {address}` closes it, and loses nothing of what was said "
        "there.",
        group=link,
        address=_address(group),
    )


def _address(group: Group) -> Markdown:
    """The group, as one writes it in a command when its name may be another one's too."""
    return Markdown(f"#{group.alias or group.key}")


def would_own(voice: Voice, group: Markdown, person: Markdown, source: object) -> Markdown:
    """Somebody would look after a group whose owners the file declares."""
    return voice.say(
        "**{person} would like to look after {group}.** Its owners are declared in {source}: they are changed there.",
        person=person,
        group=group,
        source=code(source),
    )


def would_archive(voice: Voice, group: Markdown, source: object) -> Markdown:
    """A group that the file holds open would be archived."""
    return voice.say(
        "**{group} has come to its end: its members want it archived, or nobody answers there.** It is declared in "
        "{source}, which keeps it open: it is changed there.",
        group=group,
        source=code(source),
    )
