// The table of a class: sorted, filtered and turned over page by page; only one page of rows is ever in the document.
"use strict";
(() => {
  const [STUDENT, NAME, PAGE, POINTS, CHECKS, STATUS, LATE, MISTAKES, TENTH] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
  const { rows, fields, most, statuses, mistakes, words } = JSON.parse(document.getElementById("class").textContent);
  const root = document.documentElement;
  const byId = (name) => document.getElementById(name);
  const table = document.querySelector("table.students");
  const [body, heads] = [table.tBodies[0], [...table.tHead.rows[0].cells]];
  const number = new Intl.NumberFormat(root.lang);
  const order = new Intl.Collator(root.lang, { numeric: true });
  const firstMistake = (row) => (row[MISTAKES].length ? mistakes[row[MISTAKES][0]] : "");
  const haystacks = rows.map((row) =>
    fold([row[STUDENT], row[NAME], statuses[row[STATUS]], ...row[MISTAKES].map((place) => mistakes[place])].join("\n")),
  );
  let [shown, page, sorted, ascending] = [rows.map((_, place) => place), 0, null, true];

  root.classList.add("scripted");
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "sort";
    button.textContent = head.textContent;
    button.addEventListener("click", () => {
      [ascending, sorted] = [sorted === column ? !ascending : true, column];
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
      choose();
    });
    head.replaceChildren(button);
  });
  const form = document.querySelector(".filters");
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("input", choose);
  form.addEventListener("reset", () => setTimeout(choose)); // the fields are emptied after this event
  byId("previous").addEventListener("click", () => turn(-1));
  byId("next").addEventListener("click", () => turn(1));
  for (const button of document.querySelectorAll("[data-mistake]")) {
    button.addEventListener("click", () => {
      form.reset();
      byId("by-mistake").value = button.dataset.mistake;
      setTimeout(() => {
        choose();
        byId("by-mistake").focus();
      });
    });
  }
  choose();

  function fold(text) {
    return text.normalize("NFKC").toLowerCase();
  }

  function choose() {
    const wanted = fold(byId("search").value).split(/\s+/).filter(Boolean);
    const filters = [["by-points", TENTH], ["by-status", STATUS], ["by-mistake", MISTAKES]]
      .map(([name, field]) => [byId(name).value, field])
      .filter(([value]) => value !== "");
    shown = [];
    rows.forEach((row, place) => {
      const fits = filters.every(([value, field]) => has(row[field], Number(value)));
      if (fits && wanted.every((word) => haystacks[place].includes(word))) shown.push(place);
    });
    if (sorted !== null) sort();
    page = 0;
    draw();
  }

  function has(held, value) {
    if (!Array.isArray(held)) return held === value;
    return value < 0 ? held.length === 0 : held.includes(value);
  }

  function sort() {
    const field = fields[sorted];
    const value = (row) => (field === POINTS || field === CHECKS || field === LATE ? row[field] : said(row, field));
    const sign = ascending ? 1 : -1;
    shown.sort((a, b) => {
      const [left, right] = [value(rows[a]), value(rows[b])];
      const [noLeft, noRight] = [left === null || left === "", right === null || right === ""];
      if (noLeft || noRight) return noLeft - noRight || a - b; // what is not there stands last, whichever way
      const difference = typeof left === "number" ? left - right : order.compare(left, right);
      return sign * difference || a - b;
    });
  }

  function turn(by) {
    page += by;
    draw();
    table.closest(".scroll").scrollIntoView({ block: "start" });
  }

  function draw() {
    const pages = Math.max(1, Math.ceil(shown.length / most));
    body.replaceChildren(...shown.slice(page * most, (page + 1) * most).map((place) => line(rows[place])));
    byId("shown").textContent = fill(words.shown, { shown: number.format(shown.length), all: number.format(rows.length) });
    byId("page").textContent = fill(words.page, { page: number.format(page + 1), pages: number.format(pages) });
    // a button that has the focus must not vanish from under it
    for (const [name, end] of [["previous", page === 0], ["next", page === pages - 1]]) {
      if (end && document.activeElement === byId(name)) byId(name === "next" ? "previous" : "next").focus();
      byId(name).disabled = end;
    }
    document.querySelector(".pages").hidden = pages === 1;
  }

  function line(row) {
    const [made, head] = ["tr", "th"].map((name) => document.createElement(name));
    const link = document.createElement(row[PAGE] ? "a" : "span");
    head.scope = "row";
    if (row[PAGE]) link.href = row[PAGE];
    link.textContent = row[STUDENT];
    head.append(link);
    made.append(head);
    for (const field of fields.slice(1)) {
      const cell = document.createElement("td");
      if (field === POINTS || field === CHECKS) cell.className = "number";
      cell.textContent = said(row, field);
      made.append(cell);
    }
    return made;
  }

  function said(row, field) {
    if (field === STATUS) return statuses[row[STATUS]];
    if (field === LATE) return row[LATE] ? words.late : "";
    if (field === MISTAKES) return firstMistake(row);
    return row[field] ?? "—";
  }

  function fill(text, values) {
    return text.replace(/\{(\w+)\}/g, (_, name) => values[name]);
  }
})();
