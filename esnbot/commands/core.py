"""The commands that are always there: help, and the language in which one is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from esnbot.commands import records
from esnbot.commands.command import Call, Command, Names, Noun, Param
from esnbot.commands.values import Choice, Text
from esnbot.community.model import Community
from esnbot.engine.effects import Effect
from esnbot.speech import Speech, later

LANGUAGE_NAMES = {
    "fr": Names(("french", "fr"), ("français", "fr")),
    "en": Names(("english", "en"), ("anglais", "en")),
}
ONE_VERB = Names(("show",), ("montrer",))

HELP = Noun("help", Names(("help",), ("aide",)), later("What you can do here."))
LANGUAGE = Noun("language", Names(("language", "lang"), ("langue",)), later("The language in which I answer you."))


def help_command(handle: Callable[[Call], Awaitable[Sequence[Effect]]]) -> Command:
    """`help`, `help NOUN`, `help NOUN VERB`."""
    about = Param(
        "about",
        Names(("subject",), ("sujet",)),
        Text(),
        later("A word from the list, alone or followed by what you want to do."),
        required=False,
        rest=True,
    )
    examples = {"en": ("help", "help language"), "fr": ("aide", "aide langue")}
    return Command(
        "help",
        "show",
        ONE_VERB,
        later("Lists what you can do here."),
        handle,
        (about,),
        examples=examples,
        default=True,
    )


def language_command(community: Community, speech: Speech) -> Command:
    """`language fr`."""

    async def choose(call: Call) -> Sequence[Effect]:
        language = call.args["language"]
        await records.remember_language(call.ctx.conn, call.person.user, language, call.ctx.now)
        voice = speech.voice(language)
        return [call.answer(voice.say("From now on, I will answer you in English."))]

    chosen = Param(
        "language",
        Names(("language",), ("langue",)),
        Choice(
            {
                language: LANGUAGE_NAMES.get(language, Names((language,), (language,)))
                for language in community.languages
            },
            later("I do not speak {text}."),
        ),
        later("The language that you prefer."),
    )
    examples = {"en": ("language french",), "fr": ("langue anglais",)}
    return Command(
        "language",
        "choose",
        Names(("choose", "set"), ("choisir",)),
        later("Chooses the language in which I answer you, everywhere."),
        choose,
        (chosen,),
        examples=examples,
        default=True,
    )
