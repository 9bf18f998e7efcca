"""The command that makes a group."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from esnbot.commands.command import Command, Names, Param
from esnbot.commands.reading import Person, Problem, Reading
from esnbot.commands.values import Choice, Discreet, PersonValue, SpaceValue, Switch, Text
from esnbot.community.model import Community
from esnbot.features.group.creating import Creating
from esnbot.features.group.desk import Desk
from esnbot.features.group.founding import Founding
from esnbot.features.group.model import KINDS, MADE_IN_CHAT
from esnbot.features.group.words.shared import LONGEST_MESSAGE, LONGEST_TEXT, NOUN, kind_param
from esnbot.speech import Later, later


@dataclass(frozen=True, slots=True)
class TemplateValue(Choice):
    """A template; of a word that is none, what the person may use is told, and nothing else is guessed at."""

    theirs: Callable[[Person], Collection[str]] = field(kw_only=True)

    async def read(self, text: str, reading: Reading) -> str:
        """The key, also of a template that is not theirs to use."""
        try:
            return await Choice.read(self, text, reading)
        except Problem as problem:
            theirs = self.theirs(reading.person)
            known = {key: names for key, names in self.of.items() if key in theirs}
            if not known:
                raise Problem(problem.alone) from None
            return await Choice(known, self.unknown).read(text, reading)


def making(desk: Desk, community: Community) -> tuple[Command, ...]:
    """The commands that make groups."""
    creating, founding = Creating(desk), Founding(desk)
    params = [
        Param(
            name="name",
            names=Names(("name",), ("nom",)),
            # Whatever is too long for a name is answered as such.
            kind=Text(LONGEST_MESSAGE),
            help=later("What people will call it."),
            question=later("What will the group be called?"),
            check=creating.check_name,
        ),
        Param(
            name="template",
            names=Names(("template",), ("modèle", "modele")),
            kind=TemplateValue(
                _templates(community),
                later("I do not know any template called {text}."),
                theirs=creating.templates_of,
            ),
            help=later("What it begins with: rooms, topic, charter, pages. `!esn group templates` lists them."),
            required=False,
            option=True,
            question=later("What kind of group is it?"),
            offers=creating.templates_offered,
            needed=creating.needs_template,
            check=creating.check_template,
        ),
        kind_param(later("What kind of group it is; it then begins with what groups of that kind begin with.")),
        Param(
            name="topic",
            names=Names(("topic",), ("sujet",)),
            kind=Text(LONGEST_TEXT),
            help=later("What it is about, in a sentence."),
            required=False,
            option=True,
            question=later("What is it about, in a sentence?"),
            turn=1,
        ),
    ]
    params.append(
        Param(
            name="with",
            names=Names(("with",), ("avec",)),
            kind=PersonValue(),
            help=later("Who makes it with you: they are asked, and it is made once they say yes."),
            required=False,
            option=True,
            question=later("It takes two to make it. Who makes it with you?"),
            needed=creating.takes_two,
            check=creating.check_second,
        )
    )
    if community.audiences:
        choices = {key: Names((one.name, key), (one.name, key)) for key, one in community.audiences.items()}
        params.append(
            Param(
                name="for",
                names=Names(("for",), ("pour",)),
                kind=Discreet(choices, later("I do not know any audience called {text}.")),
                help=later("Only for this audience."),
                required=False,
                option=True,
                question=later("Whom is it for?"),
                skipped=later("everybody in its space"),
                offers=creating.audiences_offered,
            )
        )
    if community.spaces:
        params.append(
            Param(
                name="in",
                names=Names(("in",), ("dans",)),
                kind=SpaceValue(),
                help=later("The space that it will be in."),
                required=False,
                option=True,
                question=later("Which space will it be in?"),
                offers=creating.spaces_offered,
            )
        )
    params.append(
        Param(
            name="anyway",
            names=Names(("anyway",), ("quand-même",)),
            kind=Switch(),
            help=later("Makes it even if a similar group exists."),
            required=False,
            option=True,
        )
    )
    return (
        Command(
            noun=NOUN,
            verb="create",
            names=Names(("create", "make", "new"), ("créer", "nouveau")),
            summary=later("Makes a group, which will be yours."),
            handle=creating.create,
            params=tuple(params),
            confirm=creating.ask,
            dialogue=True,
            hindered=creating.hindered,
            examples={
                "en": (
                    'group create "Photo club" --template hobby',
                    'group create "Paris move" --topic "Boxes, dates, keys"',
                ),
                "fr": (
                    'groupe créer "Club photo" --modèle loisir',
                    'groupe créer "Déménagement" --sujet "Cartons, dates"',
                ),
            },
        ),
        Command(
            noun=NOUN,
            verb="templates",
            names=Names(("templates", "template"), ("modèles", "modèle")),
            summary=later("Shows what a group can begin with."),
            handle=creating.list_templates,
            examples={"en": ("group templates",), "fr": ("groupe modèles",)},
        ),
        Command(
            noun=NOUN,
            verb="agree",
            names=Names(("agree", "accept"), ("accepter",)),
            summary=later("Says yes to somebody who would like to make a group with you."),
            handle=founding.agree,
            params=(_waiting(later("Which group, if several wait for you.")),),
            examples={"en": ("group agree",), "fr": ("groupe accepter",)},
        ),
        Command(
            noun=NOUN,
            verb="decline",
            names=Names(("decline",), ("décliner",)),
            summary=later("Says no to it, or takes back your own question."),
            handle=founding.decline,
            params=(_waiting(later("Which group, if several wait for an answer.")),),
            examples={"en": ("group decline",), "fr": ("groupe décliner",)},
        ),
    )


def _waiting(help_: Later) -> Param:
    return Param(name="name", names=Names(("name",), ("nom",)), kind=Text(LONGEST_TEXT), help=help_, required=False)


def _templates(community: Community) -> dict[str, Names]:
    """Templates of the kinds that people can make, and those kinds that have none, by what people call them."""
    made = {key: template for key, template in community.templates.items() if template.kind in MADE_IN_CHAT}
    names: dict[str, Names] = {}
    for kind in MADE_IN_CHAT:
        standard = community.standard(kind)
        if standard is None:
            names[kind.value] = KINDS[kind]
    for key, template in made.items():
        usual = KINDS[template.kind] if key == template.kind else Names((key,), (key,))
        called = {language: template.name.get(language, "").lower() for language in ("en", "fr")}
        names[key] = Names(
            tuple(dict.fromkeys(filter(None, (called["en"], *usual.en)))),
            tuple(dict.fromkeys(filter(None, (called["fr"], *usual.fr)))),
        )
    return names
