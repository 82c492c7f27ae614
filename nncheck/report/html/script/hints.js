// Hints open one after another: each only once the one before it has been opened. Without this they are plain details.
"use strict";
document.documentElement.classList.add("scripted");
for (const list of document.querySelectorAll("[data-hints]")) {
  const hints = [...list.querySelectorAll("details")];
  const settle = () => {
    hints.forEach((hint, place) => {
      const waits = place > 0 && !hints[place - 1].hasAttribute("data-seen");
      hint.toggleAttribute("data-waits", waits);
      if (waits) hint.firstElementChild.setAttribute("aria-disabled", "true");
      else hint.firstElementChild.removeAttribute("aria-disabled");
    });
  };
  for (const hint of hints) {
    hint.firstElementChild.addEventListener("click", (event) => {
      if (hint.hasAttribute("data-waits")) event.preventDefault();
    });
    hint.addEventListener("toggle", () => {
      if (!hint.open) return;
      hint.setAttribute("data-seen", "");
      settle();
    });
  }
  settle();
}
