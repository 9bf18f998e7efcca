"""Meet-ups in rooms: proposed by anybody, places kept exactly, everybody told what concerns them and nothing else."""

from __future__ import annotations

from datetime import timedelta

import icalendar
import pytest

from esnbot.engine.effects import Attach, Emit, React, Say, Send
from esnbot.features.meetup import records
from esnbot.features.meetup.model import Entry, Roster, Standing, Way
from tests.features.house import ALI, BOT, EVE, MAX, PAT, ZOE, House, a_house, of, said
from tests.features.meetup.saying import FRIDAY, PROPOSE, answer, chat_of, in_chats, newest, plan, privately, to


class TestProposing:
    async def test_one_line_is_enough_and_the_post_is_the_answer(self, house: House) -> None:
        posted = await house.say(PROPOSE)
        (card,) = said(posted)
        assert card.body.splitlines() == [
            "Board games · rencontre 1",
            "",
            "📅 vendredi 6 mars 2026 à 18\xa0h, 2\xa0heures",
            "📍 Canteen, Lyon",
            "🎥 https://v.example.org/x",
            f"Proposée par {ZOE}.",
            "",
            "Réagissez avec 🏢 pour venir, 💻 pour participer à distance, ❌ si finalement vous ne pouvez pas, et 👋 "
            "une fois là.",
            "",
            "Sur place : 0 sur 1 · À distance : 0 sur 1".replace(" :", "\xa0:"),
        ]
        assert (card.room, card.msgtype) == ("!cafe", "m.text")
        assert card.answers
        assert [one.emoji for one in of(posted, React)] == ["🏢", "💻", "❌"]
        (file,) = of(posted, Attach)
        assert file.thread == f"post:{card.key}"
        (event,) = icalendar.Calendar.from_ical(file.text).events
        assert event.start == FRIDAY
        assert (event["summary"], event["location"], event["sequence"]) == ("Board games", "Canteen, Lyon", 0)
        assert (await house.scheduled("meetup"))["over:1"] == FRIDAY + timedelta(hours=2)

    async def test_in_french_and_without_marks_around_the_place(self, house: House) -> None:
        (card,) = said(await house.say('!rse rencontre proposer "Apéro" vendredi 18h à La Cantine places=12'))
        assert "📍 La Cantine" in card.body
        assert "Sur place\xa0: 0 sur 12" in card.body
        assert "💻" not in card.body

    async def test_little_words_say_what_is_what_in_any_order(self, house: House) -> None:
        for line in (
            'propose "Walk" at "Park" on "saturday 10am"',
            'propose "Walk" on saturday 10am at Park',
            'propose "Walk" saturday 10am Park',
            'propose "Walk" --at Park --on "saturday 10am"',
        ):
            (card,) = said(await house.say(f"!esn meetup {line}"))
            assert "samedi 7 mars 2026 à 10\xa0h" in card.body
            assert "📍 Park" in card.body

    async def test_only_with_a_video_link(self, house: House) -> None:
        posted = await house.say('!esn meetup propose "Demo" on tuesday 2pm video=https://v.example.org/d')
        assert [one.emoji for one in of(posted, React)] == ["💻", "❌"]

    async def test_a_partner_may_where_they_are(self, house: House) -> None:
        await house.put_in("!yard", PAT)
        assert said(await house.say('!esn meetup propose "Visit" on friday 2pm', PAT, "!yard"))[0].room == "!yard"

    async def test_what_cannot_be_is_said_in_one_clear_sentence(self, house: House) -> None:
        await house.ask("!esn language en")
        for line, words in (
            ('propose "Games" on "31 February"', "cannot find a date"),
            ('propose "Games" on yesterday 6pm', "in the past"),
            ('propose "Games" on "3 March 2030"', "366 days"),
            ('propose "Games" on friday seats=0', "from 1 to 10"),
            ('propose "Games" on friday seats=-3', "from 1 to 10"),
            ('propose "Games" on friday seats=1000000000', "from 1 to 10"),
            ('propose "Games" on friday video=javascript:alert(1)', "begins with `https://`"),
            ('propose "Games" on friday video=https://a:b@v.example.org/', "begins with `https://`"),
            (f'propose "{"x" * 10_000}" on friday', "at most 100 fit"),
            ('propose "Games" on friday every=sometimes', "I do not understand how often"),
            ('propose "Games" on "friday 6pm or saturday 6pm" every=week', "one first date"),
            ('propose "Games" on "today 9am or friday 6pm"', "too soon"),
            ('propose "Games"', "ON"),
            ("propose", "TITLE"),
        ):
            assert words in await house.ask(f"!esn meetup {line}"), line
        assert await house.write(records.ahead) == []

    async def test_nothing_in_it_calls_anybody_or_is_markup(self, house: House) -> None:
        posted = await house.say(
            '!esn meetup propose "<b>@room</b> [x](https://evil.example)" on friday 6pm at "@room"'
        )
        (card,), (file,) = said(posted), of(posted, Attach)
        assert "@room" not in card.body + card.html + file.text
        assert "&lt;b&gt;" in card.html
        assert 'href="https://evil' not in card.html
        assert not card.rouse

    async def test_nobody_from_outside_and_no_archived_group(self, house: House) -> None:
        assert await house.say(PROPOSE, EVE) == []
        await house.put_in(chat_of(ALI), ALI, BOT)
        assert "Entrez d’abord" in await house.ask(
            'meetup propose "X" on friday 6pm --group Entraide', ALI, chat_of(ALI)
        )

    async def test_so_many_a_day(self, sqlite_url: str) -> None:
        async with a_house(sqlite_url, settings={"meetup": {"a_day": 1}}) as house:
            await plan(house)
            assert "depuis hier" in await house.ask(PROPOSE)
            await plan(house, sender=ALI)

    async def test_step_by_step_in_a_direct_chat(self, house: House) -> None:
        chat = chat_of(ZOE)
        await house.put_in(chat, ZOE, BOT)
        await house.put_in("!help", ZOE)
        await house.say("language en", room=chat)
        assert "about?" in await house.ask_first("meetup propose", room=chat)
        assert "When?" in await house.ask_first("Board games", room=chat)
        assert "Where" in await house.ask_first("friday 6pm or saturday 10am", room=chat)
        assert "How many" in await house.ask_first("Canteen", room=chat)
        assert "video link" in await house.ask_first("12", room=chat)
        group = await house.ask_first("skip", room=chat)
        assert "In which group?" in group
        summary = await house.ask_first("Le café", room=chat)
        assert "Friday 6 March at 18:00 or Saturday 7 March at 10:00" in summary
        done = await house.say("yes", room=chat)
        assert "I have proposed it in Le café." in [one.body for one in said(done)]
        assert of(done, Send)[0].room == "!cafe"


class TestPlaces:
    async def test_by_reaction_and_by_word_each_way_counted_apart(self, house: House) -> None:
        it = await plan(house)
        await it.come(ZOE)
        await it.join(ALI)
        assert (await it.has(), await it.has(Way.remote)) == ([ZOE], [ALI])
        shown = await house.let_pass(timedelta(minutes=1))
        assert "Sur place\xa0: 1 sur 1 · À distance\xa0: 1 sur 1" in said(shown)[-1].body
        assert said(shown)[-1].replaces
        assert await house.let_pass(timedelta(minutes=1)) == []

    async def test_who_finds_it_full_waits_and_hears_their_place(self, house: House) -> None:
        it = await plan(house)
        await it.come(ZOE)
        heard = to(await it.come(ALI), ALI)[0]
        assert heard.startswith("Board games (")
        assert "est complète. Vous êtes numéro 1" in heard
        assert "numéro 2" in await house.ask("!rse rencontre participer", MAX)
        assert await it.has(standing=Standing.waiting) == [ALI, MAX]

    async def test_a_place_that_becomes_free_is_offered_in_private_and_taken(self, any_house: House) -> None:
        it = await plan(any_house)
        await in_chats(any_house, ALI)
        await it.come(ZOE, ALI, MAX)
        freed = await it.leave(ZOE)
        (offer,) = privately(freed)
        assert offer.room == f"direct:{ALI}"
        assert "jusqu’au lundi 2 mars 2026 à 12\xa0h" in offer.body
        assert offer.otherwise is not None
        assert offer.otherwise.thread == (await it.now()).card
        assert await it.has(standing=Standing.offered) == [ALI]
        taken = await answer(any_house, offer, "✅", ALI)
        assert to(taken, ALI)[0].endswith("est à vous.")
        assert (await it.has(), await it.has(standing=Standing.waiting)) == ([ALI], [MAX])

    async def test_an_offer_expires_and_goes_to_the_next(self, any_house: House) -> None:
        it = await plan(any_house)
        await it.come(ZOE, ALI, MAX)
        await it.leave(ZOE)
        passed = await any_house.let_pass(timedelta(hours=4, minutes=1))
        assert "j’ai laissé votre place" in to(passed, ALI)[0]
        assert "Une place s’est libérée" in to(passed, MAX)[0]
        assert await it.has(standing=Standing.offered) == [MAX]

    async def test_who_says_no_leaves_it_to_the_next(self, house: House) -> None:
        it = await plan(house)
        await in_chats(house, ALI)
        await it.come(ZOE, ALI, MAX)
        (offer,) = privately(await it.leave(ZOE))
        declined = await answer(house, offer, "❌", ALI)
        assert "passe à la personne suivante" in to(declined, ALI)[0]
        assert "Une place s’est libérée" in to(declined, MAX)[0]
        assert "n’est plus gardée" in to(await answer(house, offer, "✅", ALI), ALI)[0]

    async def test_at_night_nothing_is_offered_before_the_morning(self, house: House) -> None:
        it = await plan(house)
        await it.come(ZOE, ALI)
        await house.let_pass(timedelta(hours=14))
        assert privately(await it.leave(ZOE)) == []
        # Who comes at night waits behind those who wait.
        await it.come(MAX)
        assert await it.has(standing=Standing.waiting) == [ALI, MAX]
        morning = await house.let_pass(timedelta(hours=10, minutes=1))
        assert "Une place s’est libérée" in to(morning, ALI)[0]

    async def test_a_pause_holds_offers_until_its_end(self, house: House) -> None:
        it = await plan(house)
        await it.come(ZOE, ALI)
        await house.agree("!esn pause", sender=MAX)
        assert privately(await it.leave(ZOE)) == []
        assert "libérée" in to(await house.agree("!rse reprendre", sender=MAX), ALI)[0]

    async def test_the_last_reaction_counts_and_can_be_taken_back(self, any_house: House) -> None:
        it = await plan(any_house)
        await it.react(ZOE, "🏢", event_id="$first")
        await it.react(ZOE, "💻", event_id="$second")
        assert (await it.has(), await it.has(Way.remote)) == ([], [ZOE])
        await it.take_back("$first", ZOE)
        assert await it.has(Way.remote) == [ZOE]
        await it.take_back("$second", ZOE)
        assert (await it.roster()).entries == ()

    async def test_who_changes_to_what_is_full_keeps_what_they_have(self, house: House) -> None:
        it = await plan(house)
        await it.join(ALI)
        await it.come(ZOE)
        assert "vous gardez la place" in to(await it.join(ZOE), ZOE)[0]
        assert await it.has() == [ZOE]

    async def test_whoever_leaves_the_group_or_is_taken_out_has_no_place(self, house: House) -> None:
        it = await plan(house)
        await it.come(ZOE, ALI)
        assert "libérée" in to(await house.member(ZOE, "!cafe", "leave"), ALI)[0]
        await house.member(ALI, "!cafe", "ban", sender=MAX)
        assert (await it.roster()).entries == ()

    async def test_people_of_a_partner_count_like_all_others(self, house: House) -> None:
        await house.put_in("!yard", PAT)
        it = await plan(house, '!esn meetup propose "Visit" on friday 2pm seats=1', PAT, "!yard")
        await it.come(PAT)
        await house.put_in("!yard", ZOE)
        assert "liste d’attente" in to(await it.come(ZOE), ZOE)[0]
        assert await it.has() == [PAT]

    async def test_a_way_that_is_added_gets_its_button(self, house: House) -> None:
        await plan(house, '!esn meetup propose "Visit" on friday 2pm')
        changed = await house.say("!esn meetup change video=https://v.example.org/x")
        assert [one.emoji for one in of(changed, React)] == ["💻"]

    async def test_nobody_from_elsewhere_takes_a_place(self, house: House) -> None:
        it = await plan(house)
        await it.come(EVE, PAT, BOT)
        assert (await it.roster()).entries == ()
        await house.put_in(chat_of(PAT), PAT, BOT)
        assert "Je ne connais pas" in await house.ask(f"meetup join {it.id}", PAT, chat_of(PAT))

    async def test_words_for_everything(self, house: House) -> None:
        it = await plan(house)
        chat = chat_of(ZOE)
        await house.put_in(chat, ZOE, BOT)
        assert "Vous êtes sur la liste, à distance" in await house.ask("rencontre participer 1 distance", room=chat)
        assert "Vous êtes sur la liste, à distance" in await house.ask("rencontres", room=chat)
        assert "Une rencontre est prévue" in await house.ask("!rse rencontre liste", ALI)
        assert "À distance\xa0: 1 sur 1" in await house.ask("!rse rencontre montrer", ALI)
        assert "plus sur la liste" in await house.ask("rencontre désinscrire 1", room=chat)
        assert "pas inscrit" in await house.ask("rencontre désinscrire 1", room=chat)
        assert (await it.roster()).entries == ()

    async def test_who_is_registered_is_listed_nowhere(self, house: House) -> None:
        it = await plan(house)
        await it.come(ALI)
        shown = await house.ask("!rse rencontre montrer", MAX) + await house.ask("!rse rencontre liste", MAX)
        assert ALI not in shown

    async def test_a_reaction_that_comes_before_its_post_is_known_waits_for_it(self, house: House) -> None:
        it = await plan(house)
        await house.write(lambda conn: records.change(conn, it.id, card=None))
        await it.come(ZOE)
        assert await it.has() == [ZOE]


class TestChoosingADate:
    LINE = '!esn meetup propose "Demo" on "thursday 2pm or friday 2pm or saturday 10am" at Lyon'

    async def test_a_poll_chooses_and_its_end_sets_the_date(self, any_house: House) -> None:
        posted = await any_house.say(self.LINE)
        (poll,) = of(posted, Send)
        assert poll.room == "!cafe"
        assert [one.emoji for one in of(posted, React)] == ["1️⃣", "2️⃣", "3️⃣"]
        it = await newest(any_house)
        assert (await it.now()).state == records.DATING
        assert "pas encore fixée" in await any_house.ask("!rse rencontre participer", ALI)
        paper = said(posted)[-1]
        await any_house.react(paper, "2️⃣", ALI)
        await any_house.react(paper, "2️⃣", MAX)
        await any_house.react(paper, "1️⃣", ZOE)
        closed = await any_house.let_pass(timedelta(days=3, hours=1))
        card = next(one for one in said(closed) if one.key == "card:1")
        assert "vendredi 6 mars 2026 à 14\xa0h" in card.body
        assert of(closed, Attach)
        await it.come(ZOE)
        assert await it.has() == [ZOE]

    async def test_nobody_chose(self, house: House) -> None:
        await house.say(self.LINE)
        passed = await house.let_pass(timedelta(days=3, hours=1))
        assert "Personne n’a choisi" in to(passed, ZOE)[0]
        assert "Aucune rencontre" in await house.ask("!rse rencontre liste")


class TestReminders:
    async def test_a_week_the_morning_and_the_hour_before_once_each_over_a_restart(self, any_house: House) -> None:
        it = await plan(any_house, '!esn meetup propose "Games" on "13 March at 6pm" at Lyon')
        await it.come(ALI)
        heard = list(privately(await any_house.let_pass(timedelta(days=4))))
        heard += privately(await any_house.sleep_through(timedelta(hours=1)))
        heard += privately(await any_house.let_pass(timedelta(days=9)))
        assert [one.body.splitlines()[0] for one in heard] == ["Dans une semaine", "Aujourd’hui", "Dans une heure"]
        assert {one.room for one in heard} == {f"direct:{ALI}"}
        assert "📍 Lyon" in heard[0].body

    async def test_in_the_morning_one_word_says_all_of_the_day(self, house: House) -> None:
        for title in ("Breakfast", "Supper"):
            it = await plan(house, f'!esn meetup propose "{title}" on "friday 6pm" at Lyon')
            await it.come(ALI)
        heard = to(await house.let_pass(timedelta(days=4, hours=4)), ALI)
        assert len(heard) == 1
        assert "Breakfast" in heard[0]
        assert "Supper" in heard[0]

    async def test_none_at_night_and_none_for_those_who_wait_or_want_none(self, house: House) -> None:
        it = await plan(house, '!esn meetup propose "Late" on "friday 9pm" at Lyon seats=2')
        await house.ask("!rse tranquille oui rencontres", ZOE)
        await it.come(ALI, ZOE, MAX)
        heard = privately(await house.let_pass(timedelta(days=4, hours=10)))
        assert [one.room for one in heard] == [f"direct:{ALI}"]
        assert heard[0].body.startswith("Aujourd’hui")

    async def test_very_many_are_told_in_portions_and_each_once(self, house: House) -> None:
        it = await plan(house, '!esn meetup propose "All" on friday 6pm at Lyon')
        people = [f"@p{number}:example.org" for number in range(450)]
        entries = tuple(Entry(one, Way.site, Standing.coming, turn) for turn, one in enumerate(people))
        empty = await it.roster()
        await house.write(lambda conn: records.keep(conn, it.id, empty, Roster(empty.room, entries)))
        await house.say('!esn meetup change at="Paris"')
        told = privately(await house.let_pass(timedelta(days=4, hours=12)))
        for first in ("Il y a du changement", "Aujourd’hui", "Dans une heure"):
            heard = [one.room for one in told if one.body.startswith(first)]
            assert sorted(heard) == sorted(f"direct:{one}" for one in people), first

    async def test_what_is_too_late_is_no_reminder(self, house: House) -> None:
        it = await plan(house)
        await it.come(ALI)
        assert to(await house.sleep_through(timedelta(days=4, hours=9, minutes=50)), ALI) == []


class TestChanges:
    async def test_each_hears_what_concerns_them_once(self, any_house: House) -> None:
        it = await plan(any_house)
        await it.come(ALI)
        await it.join(MAX)
        changed = await any_house.say('!esn meetup change at="Room 3"')
        (file,) = of(changed, Attach)
        (event,) = icalendar.Calendar.from_ical(file.text).events
        assert (event["location"], event["sequence"]) == ("Room 3", 1)
        assert any("📍 Room 3" in one.body and one.replaces for one in said(changed))
        await any_house.say('!esn meetup change on="friday 5pm"')
        told = await any_house.let_pass(timedelta(minutes=3))
        assert len(to(told, ALI)) == len(to(told, MAX)) == 1
        assert "Nouveau lieu" in to(told, ALI)[0]
        assert "Nouveau lieu" not in to(told, MAX)[0]
        assert "17\xa0h" in to(told, MAX)[0]
        assert (await any_house.scheduled("meetup"))["hour:1"] == FRIDAY - timedelta(hours=2)
        assert privately(await any_house.let_pass(timedelta(hours=1))) == []

    async def test_the_post_is_put_right_once(self, house: House) -> None:
        it = await plan(house)
        await it.come(ALI)
        changed = said(await house.say('!esn meetup change at="Room 3"'))
        assert [one.replaces for one in changed if one.replaces] == [(await it.now()).card]
        assert [one for one in said(await house.let_pass(timedelta(minutes=5))) if one.replaces] == []

    async def test_at_night_it_waits_for_the_morning_unless_it_begins_before(self, house: House) -> None:
        it = await plan(house)
        await it.come(ALI)
        await house.let_pass(timedelta(hours=14))
        await house.say('!esn meetup change at="Room 3"')
        assert to(await house.let_pass(timedelta(hours=9)), ALI) == []
        assert len(to(await house.let_pass(timedelta(hours=2)), ALI)) == 1

    async def test_more_room_is_offered_at_once_and_less_throws_nobody_out(self, house: House) -> None:
        it = await plan(house)
        await it.come(ALI, MAX)
        assert "libérée" in to(await house.say("!esn meetup change seats=2"), MAX)[0]
        await house.say("!esn meetup change seats=1")
        assert await it.has() == [ALI]
        assert await it.has(standing=Standing.offered) == [MAX]

    async def test_only_those_who_look_after_it(self, house: House) -> None:
        await plan(house)
        assert "Seuls la personne" in await house.ask('!rse rencontre modifier lieu="Ici"', ALI)
        assert said(await house.say("!rse rencontre modifier places=3", MAX))[0].body == "C’est changé."
        assert "Dites ce qui change" in await house.ask("!rse rencontre modifier")

    async def test_when_whoever_proposed_it_left_the_others_look_after_it(self, house: House) -> None:
        it = await plan(house)
        await house.member(ZOE, "!cafe", "leave")
        await house.say("!esn meetup change seats=5", MAX)
        assert (await it.now()).seats == 5


class TestCancelling:
    async def test_everybody_who_was_registered_hears_it_once(self, any_house: House) -> None:
        it = await plan(any_house)
        await it.come(ALI, MAX)
        done = await any_house.agree("!esn meetup cancel")
        assert any("Cette rencontre est annulée" in one.body and one.replaces for one in said(done))
        (file,) = of(done, Attach)
        calendar = icalendar.Calendar.from_ical(file.text)
        assert (calendar["method"], calendar.events[0]["status"]) == ("CANCEL", "CANCELLED")
        assert [one.type for one in of(done, Emit)] == []
        told = [*done, *await any_house.let_pass(timedelta(days=10))]
        assert len(to(told, ALI)) == len(to(told, MAX)) == 1
        assert "Annulée" in to(told, MAX)[0]
        assert "passée ou annulée" in await any_house.ask("!rse rencontre annuler 1")

    async def test_an_archived_group_cancels_what_was_planned(self, house: House) -> None:
        it = await plan(house)
        await it.come(ALI)
        told = await house.tell("org.esnbot.room_archived", key="cafe", room_id="!cafe")
        told += await house.let_pass(timedelta(minutes=1))
        assert "Annulée" in to(told, ALI)[0]

    async def test_not_without_a_yes(self, house: House) -> None:
        it = await plan(house)
        assert "Personne n’est inscrit" in await house.ask_first("!rse rencontre annuler")
        assert (await it.now()).state == records.OPEN


class TestAgain:
    async def test_each_time_has_its_own_registration_and_hour_on_the_wall(self, any_house: House) -> None:
        line = '!esn meetup propose "Breakfast" on "26 March at 10am" at Terrace every=week'
        it = await plan(any_house, line)
        await it.come(ALI)
        await any_house.let_pass(timedelta(days=25))
        await any_house.let_pass(timedelta(hours=12))
        following = await newest(any_house)
        assert following.id == 2
        # The clocks changed in between.
        assert (await following.now()).starts.hour == 8
        assert (await following.roster()).entries == ()
        assert (await it.now()).state == records.HELD
        await any_house.agree("!esn meetup cancel 2 --series")
        await any_house.let_pass(timedelta(days=20))
        assert (await newest(any_house)).id == 2

    async def test_one_that_is_cancelled_is_followed_by_the_next(self, house: House) -> None:
        await plan(house, '!esn meetup propose "Breakfast" on "friday 9am" every=week')
        done = await house.agree("!esn meetup cancel 1")
        assert any("La suivante" in one.body for one in said(done))
        await house.let_pass(timedelta(days=5))
        assert (await (await newest(house)).now()).starts.day == 13


@pytest.mark.parametrize("standing", list(Standing))
async def test_a_person_is_exported_and_forgotten(house: House, standing: Standing) -> None:
    it = await plan(house)
    people = {Standing.coming: [ALI], Standing.waiting: [MAX, ALI], Standing.offered: [MAX, ALI]}[standing]
    await it.come(*people)
    if standing is Standing.offered:
        await it.leave(MAX)
    kept = await house.export("meetup", ALI)
    assert kept["takes_part"] == [{"meetup": 1, "way": "site", "standing": standing.value, "here": False}]
    assert (await house.export("meetup", ZOE))["proposed"][0]["id"] == 1
    for person in (ALI, ZOE):
        await house.erase("meetup", person)
        kept = await house.export("meetup", person)
        assert kept == {"proposed": [], "takes_part": [], "feed_since": None}
    shown = await house.let_pass(timedelta(minutes=1))
    assert all(ALI not in one.body and ZOE not in one.body for one in said(shown) if isinstance(one, Say))
