// The calendar of the board: months, weeks and lists, moved by hand or by keyboard, alive while others work on it.
// Without it the page shows the same entries as a list, with a form to move each.
(() => {
  "use strict";

  const place = document.getElementById("calendar");
  if (!place || !window.EventCalendar) return;
  const words = JSON.parse(place.dataset.words);
  const wide = window.matchMedia("(min-width: 46rem)");
  const told = document.getElementById("told");
  const csrf = document.querySelector('#move input[name="csrf"]').value;
  const fill = (sentence, values) => sentence.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

  const two = (number) => String(number).padStart(2, "0");
  // The calendar counts in the readers' local time, as if it were that of the browser.
  const local = (date) =>
    `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}T${two(date.getHours())}:${two(date.getMinutes())}`;
  const spoken = (date) =>
    new Intl.DateTimeFormat(document.documentElement.lang, {
      weekday: "long", day: "numeric", month: "long", hour: "2-digit", minute: "2-digit",
    }).format(date);

  const hour = (date) => new Intl.DateTimeFormat(document.documentElement.lang, { timeStyle: "short" }).format(date);

  function tell(sentence, undo) {
    told.replaceChildren(sentence);
    if (undo) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "quiet";
      button.textContent = words.undo;
      button.addEventListener("click", undo);
      told.append(" ", button);
    }
  }

  async function send(path, fields) {
    const answer = await fetch(path, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams({ csrf, ...fields }),
      credentials: "same-origin",
    });
    if (answer.redirected || answer.status === 401) {
      window.location.reload();
      throw new Error("signed out");
    }
    return { ok: answer.ok, ...(await answer.json().catch(() => ({}))) };
  }

  async function move(event, at, revert) {
    const done = await send(`${place.dataset.root}/${event.extendedProps.entry}/move`, { at, revision: event.extendedProps.revision })
      .catch(() => ({ ok: false, why: words.failed }));
    if (!done.ok) {
      revert();
      tell(done.why || words.failed);
    } else {
      tell(fill(words.moved, { title: event.title, when: spoken(new Date(at)) }), () => undo(event, done.revision));
    }
    calendar.refetchEvents();
  }

  async function undo(event, revision) {
    const done = await send(`${place.dataset.root}/${event.extendedProps.entry}/undo`, { revision }).catch(() => ({ ok: false, why: words.failed }));
    tell(done.ok ? fill(words.undone, { title: event.title }) : done.why || words.failed);
    calendar.refetchEvents();
  }

  function keys(event, node) {
    node.addEventListener("keydown", (pressed) => {
      const days = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 }[pressed.key];
      if (!pressed.altKey || !days || !event.startEditable) return;
      pressed.preventDefault();
      const to = new Date(event.start);
      to.setDate(to.getDate() + days);
      focused = event.id;
      move(event, local(to), () => {});
    });
  }

  // The component's roles are those of a table, which it is not: screen readers count rows that are not there. Without
  // them, headings, times and links say what is there.
  const wrong = ["role", "aria-colindex", "aria-rowindex", "aria-colspan", "aria-haspopup"];
  const unrole = () => {
    for (const name of wrong) for (const node of place.querySelectorAll(`[${name}]`)) node.removeAttribute(name);
    for (const node of place.querySelectorAll("h4.ec-day-head")) node.setAttribute("aria-level", "2");
  };
  new MutationObserver(unrole).observe(place, { subtree: true, childList: true, attributes: true, attributeFilter: wrong });

  let focused = "";
  const calendar = window.EventCalendar.create(place, {
    view: wide.matches ? "dayGridMonth" : "listWeek",
    date: place.dataset.date,
    locale: document.documentElement.lang,
    firstDay: 1,
    dayMaxEvents: true,
    allDaySlot: false,
    eventDurationEditable: false,
    eventStartEditable: true,
    editable: true,
    slotMinTime: "06:00:00",
    slotMaxTime: "22:00:00",
    headerToolbar: { start: "prev,next today", center: "title", end: "dayGridMonth,timeGridWeek,listWeek" },
    buttonText: {
      today: words.today, dayGridMonth: words.month, timeGridWeek: words.week, listWeek: words.list,
      prev: words.before, next: words.after, close: words.close,
    },
    moreLinkContent: (more) => fill(words.more, { n: more.num }),
    noEventsContent: words.nothing,
    eventSources: [{
      url: place.dataset.entries,
      method: "GET",
    }],
    // Titles are text, whatever is in them.
    eventContent: (shown) => {
      const link = document.createElement("a");
      link.href = `${place.dataset.root}/${shown.event.extendedProps.entry}`;
      link.dataset.id = shown.event.id;
      link.style.setProperty("--line-color", shown.event.backgroundColor);
      link.className = "entry";
      // The calendar drags, not the browser.
      link.draggable = false;
      const time = document.createElement("time");
      time.textContent = hour(shown.event.start);
      link.append(time, " ", shown.event.title);
      link.title = shown.event.extendedProps.about;
      keys(shown.event, link);
      return { domNodes: [link] };
    },
    eventAllUpdated: () => {
      if (!focused) return;
      place.querySelector(`a.entry[data-id="${CSS.escape(focused)}"]`)?.focus();
      focused = "";
    },
    eventDrop: (dropped) => move(dropped.event, local(dropped.event.start), dropped.revert),
    dateClick: (clicked) => {
      window.location.assign(`${place.dataset.new}?at=${encodeURIComponent(local(clicked.date))}`);
    },
  });
  document.getElementById("entries").hidden = true;
  document.getElementById("how").hidden = false;

  // What others do shows by itself; the browser comes back by itself when the line is cut.
  const live = new EventSource(place.dataset.live);
  live.addEventListener("changed", () => calendar.refetchEvents());
  window.addEventListener("pagehide", () => live.close());
})();
