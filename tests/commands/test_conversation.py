"""What people say to the bot, and what they get back."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from esnbot.commands.flood import Flood
from esnbot.engine.effects import NOTICE, Say
from esnbot.store.rooms import StateEvent, note
from tests.commands.kit import (
    ALI,
    BOT,
    DIRECT,
    EVE,
    MAX,
    PAT,
    PHOTO,
    PIA,
    SECRET,
    SHARED,
    UNKNOWN,
    ZOE,
    Room,
    a_room,
    body,
    reactions,
    the_community,
)


class TestAnswers:
    async def test_an_answer_is_a_notice_with_html_in_a_thread_under_the_question(self, room: Room) -> None:
        [answer] = await room.say("!esn help")
        assert isinstance(answer, Say)
        assert answer.msgtype == NOTICE
        assert answer.thread.startswith("$e")
        assert "<strong>What you can do here</strong>" in answer.html

    async def test_a_question_in_a_thread_is_answered_in_that_thread(self, room: Room) -> None:
        thread: dict[str, Any] = {"m.relates_to": {"rel_type": "m.thread", "event_id": "$root"}}
        [answer] = await room.say("!esn help", **thread)
        assert isinstance(answer, Say)
        assert answer.thread == "$root"

    async def test_a_direct_chat_needs_neither_prefix_nor_thread(self, room: Room) -> None:
        [answer] = await room.say("aide", room=DIRECT)
        assert isinstance(answer, Say)
        assert answer.thread == ""
        assert "`groupe`" in answer.body

    async def test_in_a_direct_chat_answers_name_commands_without_their_prefix(self, room: Room) -> None:
        answer = await room.ask("note wrtie x", room=DIRECT)
        assert "`fiche écrire x`" in answer
        assert "`!" not in answer

    async def test_small_talk_in_a_direct_chat_is_not_taken_for_a_mistake(self, room: Room) -> None:
        answer = await room.ask("merci beaucoup !", room=DIRECT)
        assert "`aide` montre ce que vous pouvez faire." in answer
        assert "merci" not in answer
        assert "`groupe créer x`" in await room.ask("gruope créer x", room=DIRECT)

    async def test_a_group_of_two_is_no_direct_chat(self, room: Room) -> None:
        assert await room.say("help", sender=ALI, room=SECRET) == []

    async def test_the_name_of_the_bot_is_as_good_as_a_prefix(self, room: Room) -> None:
        assert "What you can do here" in await room.ask("Animateur: help")

    async def test_ordinary_messages_get_no_answer_and_are_looked_at_once_a_room(self, room: Room) -> None:
        assert await room.say("hello everybody") == []
        [listener] = [found for found in room.module.listeners if "m.room.message" in found.types]
        assert listener.wants is not None
        event = {"msgtype": "m.text", "body": "hello again"}
        assert await room.hear({"content": event}) == []
        assert await room.ask("!esn help")


class TestIgnored:
    @pytest.mark.parametrize(
        "content",
        [
            {"msgtype": "m.notice"},
            {"m.relates_to": {"rel_type": "m.replace", "event_id": "$0"}, "m.new_content": {"body": "!esn help"}},
        ],
    )
    async def test_notices_and_edits(self, room: Room, content: dict[str, Any]) -> None:
        assert await room.say("!esn help", **content) == []

    async def test_the_bot_itself(self, room: Room) -> None:
        assert await room.say("!esn help", sender=BOT) == []

    async def test_people_outside_the_community(self, room: Room) -> None:
        assert await room.say("!esn help", sender=EVE) == []

    async def test_people_outside_the_audience_that_a_room_has_from_its_space(self, room: Room) -> None:
        assert await room.say("!esn help", sender=PAT, room=PHOTO) == []
        assert await room.say("!esn help", sender=PAT, room=SHARED) != []

    async def test_people_of_other_homeservers_in_a_community_that_declares_no_audiences(self, tmp_path: Path) -> None:
        async with a_room(tmp_path, the_community(audiences={})) as room:
            assert await room.say("!esn help", sender=ZOE, room=UNKNOWN) != []
            assert await room.say("!esn help", sender=PAT, room=UNKNOWN) == []


class TestLanguage:
    async def test_the_language_of_the_place_is_spoken_until_a_person_chooses(self, room: Room) -> None:
        assert "What you can do here" in await room.ask("!esn help", room=PHOTO)
        assert "Ce que vous pouvez faire ici" in await room.ask("!esn help", room=SHARED)

    async def test_the_french_prefix_is_answered_in_french(self, room: Room) -> None:
        assert "Ce que vous pouvez faire ici" in await room.ask("!rse aide", room=PHOTO)

    async def test_a_choice_is_remembered_everywhere_and_after_a_restart(self, room: Room) -> None:
        assert "in English" in await room.ask("!rse langue en", room=SHARED)
        room.restart()
        assert "What you can do here" in await room.ask("!rse aide", room=SHARED)
        assert "en français" in await room.ask("!esn language french", room=SHARED)
        assert "Ce que vous pouvez faire ici" in await room.ask("!esn help", room=PHOTO)

    async def test_an_unknown_language_is_answered_with_those_there_are(self, room: Room) -> None:
        answer = await room.ask("!esn language german")
        assert "I do not speak “german”. You can choose `french` or `english`." in answer

    async def test_words_of_both_languages_are_understood_whatever_is_spoken(self, room: Room) -> None:
        assert await room.understood("!esn groupe créer x --type loisir") == {"name": "x", "kind": "hobby"}
        assert await room.understood("!rse group create x --kind project") == {"name": "x", "kind": "project"}
        assert await room.understood("!rse GROUPES Creer x TYPE=Loisir") == {"name": "x", "kind": "hobby"}

    @pytest.mark.parametrize(
        ("line", "meant", "as_it_stands"),
        [
            ("fiche écrir Un mot", "fiche écrire Un mot", "fiche chercher écrir Un mot"),
            ("fiche ecirre x", "fiche écrire x", "fiche chercher ecirre x"),
            ('fiche wrtie "deux mots"', 'fiche écrire "deux mots"', 'fiche chercher wrtie "deux mots"'),
            ("fiche cherhcer x", "fiche chercher x", "fiche chercher cherhcer x"),
        ],
    )
    async def test_a_misspelt_verb_is_not_taken_for_what_the_default_command_is_about(
        self, room: Room, line: str, meant: str, as_it_stands: str
    ) -> None:
        answer = await room.ask(f"!rse {line}", room=SHARED)
        assert f"Vouliez-vous dire `!rse {meant}`" in answer
        assert f"écrivez `!rse {as_it_stands}`." in answer

    async def test_what_was_typed_can_be_meant_as_it_stands(self, room: Room) -> None:
        assert await room.understood("!rse fiche chercher écrir x") == {"words": "écrir x"}
        assert await room.understood('!rse fiche "écrir x"') == {"words": "écrir x"}

    @pytest.mark.parametrize("words", ["photo", "jardin partagé", "vélo le midi", "lire", "an", "la fiche", "x écrir"])
    async def test_words_that_are_no_slips_go_to_the_default_command(self, room: Room, words: str) -> None:
        assert await room.understood(f"!rse fiche {words}") == {"words": words}

    async def test_a_verb_that_one_may_not_use_is_not_suggested(self, room: Room) -> None:
        assert await room.understood("!rse fiche publer x", sender=ZOE) == {"words": "publer x"}
        assert "`!rse fiche publier x`" in await room.ask("!rse fiche publer x", sender=MAX)

    async def test_verb_and_noun_may_change_places(self, room: Room) -> None:
        assert await room.understood("!esn create group x") == {"name": "x"}


class TestValues:
    @pytest.mark.parametrize(
        ("line", "expected"),
        [
            ('group create "Club photo" --kind hobby', {"name": "Club photo", "kind": "hobby"}),
            ("group create Club photo --kind hobby", {"name": "Club photo", "kind": "hobby"}),
            ("group create --kind=hobby --quiet Club photo", {"name": "Club photo", "kind": "hobby", "quiet": "True"}),
            ("group create « Club photo » type=« loisir »", {"name": "Club photo", "kind": "hobby"}),
            ("group create Club —kind hobby", {"name": "Club", "kind": "hobby"}),
            ("group create Club quiet=no", {"name": "Club"}),
            ("group create Club --no-quiet", {"name": "Club"}),
            ("group create a=b and c", {"name": "a=b and c"}),
            ("group create -- --kind hobby", {"name": "--kind hobby"}),
            ("group create --name Club photo --kind hobby", {"name": "Club photo", "kind": "hobby"}),
            (
                'group create "Club" --kind hobby --note Deux mots',
                {"name": "Club", "kind": "hobby", "note": "Deux mots"},
            ),
            ("group create name=photo", {"name": "name=photo"}),
            (
                'meetup plan --title "Atelier photo" mardi prochain 10h',
                {"when": "2026-12-01 10:00:00+01:00", "title": "Atelier photo"},
            ),
            ("note find --space Home photo", {"words": "photo"}),
            ("group join Club photo", {}),
            ("group join #photo:example.org", {}),
            ("group join https://matrix.to/#/%23photo:example.org", {}),
            ("group join !photo", {}),
            ("group invite @ali:example.org", {"person": ALI}),
            ("group invite @ali", {"person": ALI}),
            ("group invite Zoé Martin", {"person": ZOE}),
            ("group invite matrix:u/ali:example.org hello  there", {"person": ALI, "note": "hello  there"}),
            ('group invite Zoe Martin "come" and "see"', {"person": ZOE, "note": '"come" and "see"'}),
            ("meetup size 12", {"seats": "12"}),
            ("meetup shift 1h30", {"by": "1:30:00"}),
            ("meetup shift deux jours", {"by": "2 days, 0:00:00"}),
            (
                "meetup shift 2h --when mardi prochain 10h",
                {"by": "2:00:00", "when": "2026-12-01 10:00:00+01:00"},
            ),
            (
                "meetup plan mardi prochain 10h Atelier photo",
                {"when": "2026-12-01 10:00:00+01:00", "title": "Atelier photo"},
            ),
            ('meetup plan "next tuesday 10am" Workshop', {"when": "2026-12-01 10:00:00+01:00", "title": "Workshop"}),
        ],
    )
    async def test_arguments_are_read_as_they_are_meant(self, room: Room, line: str, expected: dict[str, str]) -> None:
        read = await room.understood(f"!esn {line}")
        for place in ("group", "space"):
            read.pop(place, None)
        assert read == expected

    @pytest.mark.parametrize(
        ("line", "said"),
        [
            ("group create", "`NAME` is missing"),
            ("group create x --kind", "`--kind` needs a value"),
            ("group create x --kind hoby", "Did you mean `hobby`?"),
            ("group create x --knid hobby", "Did you mean `--kind`?"),
            ("group create " + "x" * 50, "50 characters, and at most 40"),
            ("group join Club foto", "Did you mean `Club photo`?"),
            ("group invite Zoe Martn", "Did you mean `Zoé Martin`?"),
            ("meetup size many", "I need a whole number from 1 to 50"),
            ("meetup size 51", "I need a whole number from 1 to 50"),
            ("meetup size 3 4", "I do not know what to do with “4”"),
            ("meetup plan soonish Workshop", "I cannot find a date or a time in “soonish”."),
            ("meetup plan hier Workshop", "“hier” is in the past."),
            ("meetup shift longtemps", "I cannot find a length of time in “longtemps”. For example: `30 minutes`"),
            ("group creat x", "Did you mean `!esn group create x`?"),
            ("gruop create x", "Did you mean `!esn group create x`?"),
            ("grou", "Did you mean `!esn group`?"),
            (
                "note find --space Hme x",
                "I do not know any space called “Hme”. You can choose `Home`. Did you mean `Home`?",
            ),
            ("xyzzy", "I do not know “xyzzy”. `!esn help` shows what you can do."),
            ("group dance", "I do not know how to do “dance” with `group`."),
        ],
    )
    async def test_what_cannot_be_read_is_answered_with_what_was_meant(self, room: Room, line: str, said: str) -> None:
        assert said in await room.ask(f"!esn {line}")

    async def test_a_mistake_is_answered_with_the_usage_in_the_language_of_the_person(self, room: Room) -> None:
        answer = await room.ask("!rse groupe créer")
        assert "Il manque `NOM`." in answer
        assert "`!rse groupe créer NOM [--type …] [--discret] [--note …]`" in answer

    async def test_a_pill_names_a_person(self, room: Room) -> None:
        pill = f'!esn group invite <a href="https://matrix.to/#/{ALI}">Ali the Great</a> welcome'
        read = await room.understood("!esn group invite Ali the Great welcome", formatted_body=pill)
        assert read == {"person": ALI, "note": "welcome"}

    async def test_two_people_of_one_name_are_told_apart_by_their_ids(self, room: Room) -> None:
        twin = StateEvent(PHOTO, "m.room.member", PIA, "$t", PIA, 2, {"membership": "join", "displayname": "ali"})
        await room.database.write(lambda conn: note(conn, twin))
        assert ALI in await room.ask("!esn group invite Ali")

    async def test_groups_that_are_not_for_a_person_are_not_given_away(self, room: Room) -> None:
        for sender in (PAT, ZOE):
            answer = await room.ask("!esn group join Club secrets", sender=sender, room=SHARED)
            assert "Club secret`" not in answer
        assert "Club photo" not in await room.ask("!esn group join Club phot", sender=PAT, room=SHARED)
        assert "Club secret" in await room.ask("!esn group join Club secret", sender=ALI, room=PHOTO)
        assert "Je ne connais pas" in await room.ask("!rse groupe rejoindre Club ancien")

    async def test_a_day_is_seen_from_when_it_was_written_though_the_bot_was_away(self, room: Room) -> None:
        written = int((room.clock.now() - timedelta(hours=11)).timestamp() * 1000)
        content = {"msgtype": "m.text", "body": "!esn meetup plan demain 9h x"}
        answer = body(await room.hear({"content": content, "origin_server_ts": written}))
        assert "2026-11-24 09:00" in answer


class TestPermission:
    async def test_an_owner_may_what_a_member_may_not(self, room: Room) -> None:
        assert await room.understood("!esn group rename x", sender=ALI) == {"name": "x"}
        refusal = await room.ask("!esn group rename x", sender=ZOE)
        assert "Only the owners of this group or the animators can do this. You can ask Ali or Max." in refusal

    async def test_keepers_may_whatever_owners_may(self, room: Room) -> None:
        for sender in (MAX, PIA):
            assert await room.understood("!esn group rename x", sender=sender) == {"name": "x"}

    async def test_a_refusal_names_those_who_can(self, room: Room) -> None:
        assert "Only the animators or the administrators can do this." in await room.ask("!esn status")
        assert await room.ask("!esn status", sender=MAX)

    async def test_people_are_called_by_their_names_also_where_they_are_not(self, room: Room) -> None:
        assert "Vous pouvez vous adresser à Max" in await room.ask("!rse état", room=SHARED)

    async def test_the_refusal_of_a_person_calls_nobody(self, room: Room) -> None:
        [refusal] = await room.say("!esn status")
        assert isinstance(refusal, Say)
        assert refusal.mentions == ()


class TestHelp:
    async def test_it_lists_only_what_the_person_may_use_there(self, room: Room) -> None:
        assert "status" not in await room.ask("!esn help", sender=ZOE)
        assert "`!esn status`" in await room.ask("!esn help", sender=MAX)
        assert "rename" not in await room.ask("!esn help group", sender=ZOE)
        assert "`!esn group rename NAME`" in await room.ask("!esn help group", sender=ALI)

    async def test_a_noun_alone_shows_what_can_be_done_with_it(self, room: Room) -> None:
        assert "`!esn group create NAME [--kind …] [--quiet] [--note …]`" in await room.ask("!esn group")

    async def test_one_command_is_shown_with_its_parameters_and_examples(self, room: Room) -> None:
        answer = await room.ask("!rse aide groupe créer")
        assert "`--type …` : Ce que vous pouvez faire ici. Au choix : `loisir` ou `projet`." in answer.replace(
            "\u00a0", " "
        )
        assert '`!rse groupe créer "Club photo" --type loisir`' in answer

    async def test_the_examples_are_understood(self, room: Room) -> None:
        assert await room.understood('!rse groupe créer "Club photo" --type loisir')
        assert await room.understood('!esn group create "Photo club" --kind hobby')

    async def test_in_a_direct_chat_it_shows_no_prefix(self, room: Room) -> None:
        assert "`groupe créer NOM [--type …] [--discret] [--note …]`" in await room.ask("aide groupe", room=DIRECT)

    async def test_a_misspelt_subject_is_guessed(self, room: Room) -> None:
        assert "Did you mean `!esn group`?" in await room.ask("!esn help gruop")
        assert "Did you mean `!esn group create`?" in await room.ask("!esn help group craete")

    async def test_what_one_may_not_do_is_explained_with_who_can(self, room: Room) -> None:
        assert "Only the owners" in await room.ask("!esn help group rename", sender=ZOE)

    async def test_the_bare_prefix_is_a_call_for_help(self, room: Room) -> None:
        assert "What you can do here" in await room.ask("!esn")


class TestConfirmation:
    async def test_the_question_comes_with_its_answers_and_yes_does_it(self, room: Room) -> None:
        asked = await room.say("!esn deed do much")
        assert body(asked).startswith("Really?")
        assert reactions(asked) == ["✅", "❌"]
        done = await room.react("✅", await room.posted(asked[0]))
        assert body(done) == '`{"what": "much"}`'

    async def test_no_leaves_it(self, room: Room) -> None:
        asked = await room.say("!esn deed do much")
        assert "leave everything" in body(await room.react("❌", await room.posted(asked[0])))

    async def test_only_the_asker_decides_and_only_once(self, room: Room) -> None:
        asked = await room.say("!esn deed do much")
        question = await room.posted(asked[0])
        assert await room.react("✅", question, sender=ALI) == []
        assert await room.react("✅", question, sender=BOT) == []
        assert await room.react("👍", question) == []
        assert await room.react("✅", "$another") == []
        assert await room.react("✅\ufe0f", question) != []
        assert await room.react("✅", question) == []

    async def test_it_survives_a_restart(self, room: Room) -> None:
        asked = await room.say("!esn deed do much")
        room.restart()
        assert "much" in body(await room.react("✅", await room.posted(asked[0])))

    async def test_it_expires_and_says_so(self, room: Room) -> None:
        asked = await room.say("!esn deed do much")
        question = await room.posted(asked[0])
        [gone] = await room.let_pass(timedelta(minutes=11))
        assert isinstance(gone, Say)
        assert gone.replaces == f"post:{asked[0].key}"
        assert "leave everything" in gone.body or "en l’état" in gone.body
        assert await room.react("✅", question) == []

    async def test_an_answer_in_time_takes_the_question_off_the_schedule(self, room: Room) -> None:
        asked = await room.say("!esn deed do much")
        await room.react("✅", await room.posted(asked[0]))
        assert await room.let_pass(timedelta(minutes=11)) == []

    async def test_what_needs_no_question_is_done_at_once(self, room: Room) -> None:
        assert await room.understood("!esn deed do petit") == {"what": "petit"}

    async def test_two_questions_are_answered_each_by_its_own_reaction(self, room: Room) -> None:
        first, second = await room.say("!esn deed do one"), await room.say("!esn deed do two")
        assert "two" in body(await room.react("✅", await room.posted(second[0])))
        assert "one" in body(await room.react("✅", await room.posted(first[0])))


class TestFlood:
    async def test_a_flood_gets_one_kind_word_then_silence_until_it_ebbs(self, tmp_path: Path) -> None:
        async with a_room(tmp_path, flood=Flood(burst=3, seconds=2)) as room:
            answers = [await room.ask("!esn help") for _ in range(6)]
            assert ["One thing at a time" in answer for answer in answers] == [
                False,
                False,
                False,
                True,
                False,
                False,
            ]
            assert answers[4:] == ["", ""]
            assert await room.ask("!esn help", sender=ALI) != ""
            room.clock.instant += timedelta(seconds=6)
            assert "What you can do here" in await room.ask("!esn help")

    def test_very_many_people_do_not_fill_the_memory(self) -> None:
        flood = Flood(burst=1)
        from tests.commands.kit import START

        for number in range(25_000):
            flood.take(f"@{number}:example.org", START)
        assert len(flood._buckets) <= 10_000


class TestPersonalData:
    async def test_what_is_kept_about_a_person_is_exported_and_erased(self, room: Room) -> None:
        await room.say("!rse langue en")
        asked = await room.say("!esn deed do much")
        assert room.module.export is not None
        assert room.module.erase is not None
        async with room.database.read() as conn:
            kept = await room.module.export(conn, ZOE)
        assert kept["language"] == "en"
        assert len(kept["questions"]) == 1
        erase = room.module.erase
        from esnbot.engine.feature import Context

        await room.database.write(lambda conn: erase(Context(conn, room.clock.now(), BOT), ZOE))
        async with room.database.read() as conn:
            assert await room.module.export(conn, ZOE) == {"language": None, "questions": [], "waits_for": []}
        assert await room.react("✅", await room.posted(asked[0])) == []


WORDS = [
    "group",
    "create",
    "join",
    "help",
    "aide",
    "--kind",
    "kind=",
    "--",
    '"',
    "«",
    "x",
    "@ali",
    "demain",
    "10h",
    "deed",
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(line=st.text(max_size=60) | st.lists(st.sampled_from(WORDS), max_size=7).map(" ".join))
async def test_whatever_is_said_to_the_bot_has_one_answer(room: Room, line: str) -> None:
    effects = await room.say(f"!esn {line}")
    assert len([effect for effect in effects if isinstance(effect, Say)]) == 1
