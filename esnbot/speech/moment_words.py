"""The words for days, times and spans in French and English, without accents, in lower case."""

from datetime import time


def _count(words: str, start: int = 0) -> dict[str, int]:
    return {word: number for number, word in enumerate(words.split(), start=start)}


def _all(words: str, number: int) -> dict[str, int]:
    return dict.fromkeys(words.split(), number)


# 'mar' is left out: it is mardi to one and March to another.
WEEKDAYS = (
    _count("lundi mardi mercredi jeudi vendredi samedi dimanche")
    | _count("monday tuesday wednesday thursday friday saturday sunday")
    | {"lun": 0, "mer": 2, "jeu": 3, "ven": 4, "sam": 5, "dim": 6}
    | _count("mon tue wed thu fri sat sun")
    | {"tues": 1, "thur": 3, "thurs": 3}
)

DAYS = {
    "aujourd'hui": 0,
    "aujourdhui": 0,
    "ce jour": 0,
    "today": 0,
    "demain": 1,
    "tomorrow": 1,
    "apres-demain": 2,
    "apres demain": 2,
    "surlendemain": 2,
    "day after tomorrow": 2,
    "hier": -1,
    "yesterday": -1,
    "avant-hier": -2,
    "avant hier": -2,
    "day before yesterday": -2,
}

NEXT_WEEK = ("la semaine prochaine", "semaine prochaine", "next week")
NEXT_MONTH = ("le mois prochain", "mois prochain", "next month")

DAY_PARTS = {
    "matin": time(9),
    "matinee": time(9),
    "morning": time(9),
    "apres-midi": time(14),
    "apres midi": time(14),
    "aprem": time(14),
    "afternoon": time(14),
    "soir": time(18),
    "soiree": time(18),
    "evening": time(18),
    "night": time(20),
}

NUMBERS = (
    _count("un deux trois quatre cinq six sept huit neuf dix onze douze treize quatorze quinze seize", 1)
    | {"une": 1, "dix-sept": 17, "dix-huit": 18, "dix-neuf": 19}
    | {"vingt": 20, "trente": 30, "quarante": 40, "quarante-cinq": 45, "cinquante": 50}
    | _count("one two three four five six seven eight nine ten eleven twelve", 1)
    | {"a": 1, "an": 1, "fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "forty-five": 45, "ninety": 90}
)

# What a clock measures is in seconds, what a calendar counts in days, or in months.
SECONDS = (
    _all("s sec secs seconde secondes second seconds", 1)
    | _all("mn min mins minute minutes", 60)
    | _all("h hr hrs heure heures hour hours", 3_600)
)
DAYS_LONG = (
    _all("j d jour jours day days", 1)
    | _all("w sem semaine semaines week weeks", 7)
    | _all("quinzaine fortnight fortnights", 14)
)
MONTHS_LONG = _all("mois month months", 1) | _all("an ans annee annees year years", 12)
