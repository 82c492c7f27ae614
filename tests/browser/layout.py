"""Where text and controls stand on a page: what lies over something else, and what sticks out of the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from playwright.sync_api import Page

#: Every visible piece of text and every control as a box, cut where something around it scrolls or hides. Two pieces
#: overlap if more than a pixel of their widths and a third of the lower one's height fall together: a line box is
#: higher than its letters are. Hidden in closed details, by visibility, opacity or clipping to a pixel does not count.
_OVERLAPS = """
() => {
  const boxes = [], SLACK = 1.5, PART = 0.34;
  const isSeen = e => e.checkVisibility({checkOpacity: true, checkVisibilityCSS: true});
  const cut = (rect, e) => {
    let {left, top, right, bottom} = rect;
    for (let a = e; a && a !== document.body && a !== document.documentElement; a = a.parentElement) {
      const s = getComputedStyle(a);
      if (s.overflowX !== "visible" || s.overflowY !== "visible" || s.clipPath !== "none" || s.clip !== "auto") {
        if (s.display === "inline") continue;
        const r = a.getBoundingClientRect();
        left = Math.max(left, r.left); right = Math.min(right, r.right);
        top = Math.max(top, r.top); bottom = Math.min(bottom, r.bottom);
      }
      if (s.position === "fixed") break;
    }
    return {left, top, right, bottom};
  };
  const add = (rect, e, what) => {
    const r = cut(rect, e);
    if (r.right - r.left > 2 && r.bottom - r.top > 2) boxes.push({...r, e, what});
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walker.nextNode());) {
    const e = node.parentElement, text = node.textContent.trim();
    if (!text || /^(script|style|noscript|template|option|title|desc|mtext)$/i.test(e.tagName) || !isSeen(e)) continue;
    if (e.closest("math, .katex, [data-overlap-ok]")) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const rect of range.getClientRects()) add(rect, e, text.slice(0, 40));
  }
  for (const e of document.querySelectorAll("input, button, select, textarea")) {
    if (isSeen(e)) add(e.getBoundingClientRect(), e, `<${e.tagName.toLowerCase()} ${e.id || e.name || e.type}>`);
  }
  boxes.sort((a, b) => a.top - b.top);
  const found = [];
  for (let i = 0; i < boxes.length && found.length < 40; i++) {
    const a = boxes[i];
    for (let j = i + 1; j < boxes.length && boxes[j].top < a.bottom; j++) {
      const b = boxes[j];
      if (a.e === b.e || a.e.contains(b.e) && isControl(a.e) || b.e.contains(a.e) && isControl(b.e)) continue;
      const w = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const h = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (w > SLACK && h > PART * Math.min(a.bottom - a.top, b.bottom - b.top))
        found.push(`'${a.what}' and '${b.what}' (${Math.round(w)} x ${Math.round(h)} px at ` +
                   `${Math.round(Math.max(a.left, b.left))}, ${Math.round(b.top + scrollY)})`);
    }
  }
  return found;
  function isControl(e) { return /^(INPUT|BUTTON|SELECT|TEXTAREA)$/.test(e.tagName); }
}
"""

#: Elements that reach past the window's right edge though nothing around them scrolls, widest first.
_PROTRUDING = """
() => {
  const wide = document.documentElement.clientWidth, found = [];
  const scrolls = e => {
    for (let a = e.parentElement; a && a !== document.body; a = a.parentElement)
      if (getComputedStyle(a).overflowX !== "visible") return true;
    return false;
  };
  for (const e of document.body.querySelectorAll("*")) {
    const r = e.getBoundingClientRect();
    if (r.width > 0 && r.right > wide + 1 && !scrolls(e) && !e.closest("svg svg, defs"))
      found.push([r.right, `<${e.tagName.toLowerCase()} class="${e.getAttribute("class") || ""}"> to ` +
                           `${Math.round(r.right)} of ${wide} px`]);
  }
  return found.sort((a, b) => b[0] - a[0]).slice(0, 10).map(pair => pair[1]);
}
"""


def overlaps(page: Page) -> list[str]:
    """Return the pairs of texts and controls of which one lies over the other, in words."""
    found: list[str] = page.evaluate(_OVERLAPS)
    return found


def protruding(page: Page) -> list[str]:
    """Return what makes the page wider than its window, in words; nothing if it is not."""
    wide, room = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    if wide <= room:
        return []
    found: list[str] = page.evaluate(_PROTRUDING)
    return [f"the page is {wide} px wide in a window of {room} px", *found]
