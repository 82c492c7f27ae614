"use strict";
// The worked steps: a slider, buttons and keys choose one of the kept steps, whose texts are put where the first one's
// stood. Says on the section of its case which step was chosen ("step-chosen"), and hears which is wanted ("step-wanted").
(() => {
  document.documentElement.classList.add("scripted");
  const source = document.getElementById("steps");
  const all = source ? JSON.parse(source.textContent) : {};
  const verdicts = { a: "agree", d: "differ", c: "cannot-tell", "-": "" };
  const steppers = new Map();

  for (const [id, data] of Object.entries(all)) {
    const section = document.getElementById(id);
    const root = section.querySelector("[data-role=worked]");
    const role = (name) => root.querySelector(`[data-role=${name}]`);
    const slider = role("slider");
    const slots = root.querySelectorAll("[data-slot]");
    const marks = root.querySelectorAll("[data-mark]");
    const markers = section.querySelectorAll("[data-role=marker]");
    let chosen = data.start;
    const start = data.texts[data.start].slice();
    for (const slot of slots) start[slot.dataset.slot] = slot.textContent;

    const choose = (k) => {
      chosen = Math.max(0, Math.min(data.steps.length - 1, k));
      const texts = data.texts[chosen];
      for (const slot of slots) {
        const text = texts[slot.dataset.slot] === 0 ? start[slot.dataset.slot] : texts[slot.dataset.slot];
        if (slot.textContent !== text) slot.textContent = text;
      }
      for (const mark of marks) mark.dataset.verdict = verdicts[data.marks[chosen][mark.dataset.mark]];
      slider.value = chosen;
      slider.setAttribute("aria-valuetext", role("where").textContent);
      role("previous").disabled = chosen === 0;
      role("next").disabled = chosen === data.steps.length - 1;
      for (const marker of markers) marker.style.left = `${(100 * data.steps[chosen]) / data.last}%`;
      section.dataset.step = data.steps[chosen];
      section.dispatchEvent(new CustomEvent("step-chosen", { detail: data.steps[chosen] }));
    };
    const nearest = (step) => {
      let best = 0;
      data.steps.forEach((own, k) => {
        if (Math.abs(own - step) < Math.abs(data.steps[best] - step)) best = k;
      });
      return best;
    };
    const moves = {
      previous: () => choose(chosen - 1),
      next: () => choose(chosen + 1),
      first: () => data.first !== null && choose(data.first),
    };

    slider.addEventListener("input", () => choose(Number(slider.value)));
    role("previous").addEventListener("click", moves.previous);
    role("next").addEventListener("click", moves.next);
    role("first-difference").addEventListener("click", moves.first);
    section.addEventListener("step-wanted", (event) => choose(nearest(event.detail)));
    steppers.set(section, moves);
    choose(data.start);
  }

  // Keys act on the case that has the focus, else on the one that fills most of the window.
  const current = () => {
    const focused = document.activeElement && document.activeElement.closest("section.case");
    if (focused && steppers.has(focused)) return focused;
    const height = document.documentElement.clientHeight;
    let best = null, most = 0;
    for (const section of steppers.keys()) {
      const box = section.getBoundingClientRect();
      const seen = Math.min(box.bottom, height) - Math.max(box.top, 0);
      if (seen > most) [best, most] = [section, seen];
    }
    return best;
  };
  const keys = { ArrowLeft: "previous", p: "previous", ArrowRight: "next", n: "next", d: "first" };
  const named = (event) => {
    if (/^[A-Za-z]$/.test(event.key)) return event.key.toLowerCase();
    // under a Hangul keyboard the key is no letter of ours, its place is
    return /^Key[A-Z]$/.test(event.code) ? event.code.slice(3).toLowerCase() : event.key;
  };

  document.addEventListener("keydown", (event) => {
    const move = keys[named(event)];
    if (!move || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    const target = event.target;
    const arrow = event.key.startsWith("Arrow");
    const slides = target.matches("input[type=range]");
    if (target.isContentEditable || (target.matches("input, textarea, select") && !slides)) return;
    // a slider and a region that scrolls have arrows of their own
    if (arrow && (slides || (target.matches(".scroll") && target.scrollWidth > target.clientWidth))) return;
    const section = current();
    if (!section) return;
    event.preventDefault();
    steppers.get(section)[move]();
  });
})();
