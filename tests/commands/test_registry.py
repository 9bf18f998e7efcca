"""Commands that contradict one another are found when the bot is put together."""

import pytest

from esnbot.commands.command import Noun
from esnbot.commands.grammar import split
from esnbot.commands.registry import Registry, RegistryError
from esnbot.commands.values import Text
from esnbot.commands.words import fold, near
from esnbot.speech import later
from tests.commands.kit import COMMANDS, NOUNS, a_command, names, param

GROUP, MEETUP, *_ = NOUNS


def test_two_nouns_do_not_share_a_word_in_either_language() -> None:
    twin = Noun("team", names("team", "groupe"), later("What you can do here."))
    with pytest.raises(RegistryError, match=r"'group' and 'team' are both called 'groupe'"):
        Registry([GROUP, twin], [])


def test_two_verbs_of_a_noun_do_not_share_a_word() -> None:
    with pytest.raises(RegistryError, match=r"'group make' .* both called 'creer'"):
        Registry([GROUP], [a_command("group", "create", fr="créer"), a_command("group", "make", fr="créer")])


def test_a_command_belongs_to_a_noun_that_exists() -> None:
    with pytest.raises(RegistryError, match="nobody declares"):
        Registry([GROUP], [a_command("meetup", "plan")])


def test_one_default_a_noun() -> None:
    with pytest.raises(RegistryError, match="two default commands"):
        Registry([GROUP], [a_command("group", "a", default=True), a_command("group", "b", default=True)])


def test_only_the_last_parameter_takes_the_rest() -> None:
    with pytest.raises(RegistryError, match="take the rest"):
        Registry([GROUP], [a_command("group", "a", param("x", Text(), rest=True), param("y", Text()))])


def test_only_the_last_parameter_takes_many_values() -> None:
    with pytest.raises(RegistryError, match="take the rest"):
        Registry([GROUP], [a_command("group", "a", param("x", Text(), many=True), param("y", Text()))])


def test_two_options_do_not_share_a_word() -> None:
    options = param("kind", Text(), "type", option=True), param("type", Text(), "sorte", option=True)
    with pytest.raises(RegistryError, match="both called 'type'"):
        Registry([GROUP], [a_command("group", "a", *options)])


def test_a_plural_names_the_same_noun() -> None:
    found = Registry(NOUNS, COMMANDS).find(split("groupes créer x"))
    assert found.command is not None
    assert found.command.verb == "create"


@pytest.mark.parametrize(
    ("typed", "meant"), [("gruop", "group"), ("cal", "calendar"), ("calender", "calendar"), ("Évènement", "événement")]
)
def test_slips_are_recognised(typed: str, meant: str) -> None:
    assert near(typed, ["group", "calendar", "événement"]) == (meant,)


def test_what_is_far_from_everything_is_near_nothing() -> None:
    assert near("xyzzy", ["group", "calendar"]) == ()


def test_accents_capitals_and_apostrophes_do_not_matter() -> None:
    assert fold("  Été  d’AOÛT ") == "ete d'aout"
