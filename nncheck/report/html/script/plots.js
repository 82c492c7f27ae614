"use strict";
// Plotly in the place of the pictures, for those cases that come into view: zoom, values under the pointer, and a line
// at the chosen step. Without it the pictures stay as they are.
(() => {
  const source = document.getElementById("plots");
  if (!source || !(window.Plotly || document.getElementById("plotly"))) return; // its script beside the page is gone
  const texts = JSON.parse(source.textContent);
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const coarse = window.matchMedia("(pointer: coarse)").matches;
  const drawn = [];

  // Read only now: its four megabytes would hold up the first view.
  const plotly = () => {
    if (!window.Plotly) {
      const script = document.createElement("script");
      script.textContent = document.getElementById("plotly").textContent;
      document.body.append(script);
    }
    return window.Plotly;
  };

  const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const dashes = ["solid", "5px,3px", "2px,4px", "9px,4px,2px,4px", "12px,4px", "12px,4px,2px,4px,2px,4px", "4px,4px", "7px,2px"];

  const traces = (plot, hidden) => plot.series.map((series, k) => {
    let step = 0;
    const { values } = series;
    const alone = (i) => values[i - 1] == null && values[i + 1] == null; // null, or past an end
    return {
      type: "scatter", mode: "lines+markers", name: series.name, hoverinfo: "x+y+name",
      x: series.steps.map((more) => (step += more)),
      y: values,
      visible: !hidden.has(k),
      line: { color: color(`--series-${k % 8}`), width: 2, dash: dashes[k % 8] },
      // a lone value between zeros is a point that no line goes to
      marker: { size: values.map((_, i) => (alone(i) ? 5 : 0)), color: color(`--series-${k % 8}`), line: { width: 0 } },
    };
  });

  const shapes = (own) => {
    const marks = [];
    if (own.plot.kind === "ratio") marks.push({
      type: "line", xref: "paper", x0: 0, x1: 1, y0: 1, y1: 1,
      line: { color: color("--bad"), width: 2, dash: "8px,5px" },
      label: { text: texts.bound, textposition: "end", yanchor: "bottom", font: { color: color("--bad"), size: 12 } },
    });
    if (own.group.step !== null) marks.push({
      type: "line", yref: "paper", y0: 0, y1: 1, x0: own.group.step, x1: own.group.step,
      line: { color: color("--ink"), width: 2 }, layer: "below", // a lone point there is seen
    });
    return marks;
  };

  const layout = (own) => {
    const style = getComputedStyle(own.box);
    const axis = {
      gridcolor: color("--line"), linecolor: color("--strong-line"), zeroline: false, showline: true,
      tickfont: { color: color("--soft"), size: 12 }, exponentformat: "e",
    };
    return {
      margin: {
        l: parseFloat(style.paddingLeft), r: parseFloat(style.paddingRight),
        t: parseFloat(style.paddingTop), b: parseFloat(style.paddingBottom),
      },
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
      font: { family: color("--sans"), color: color("--ink") },
      showlegend: false, hovermode: "x", dragmode: coarse ? false : "zoom",
      hoverlabel: { namelength: -1 },
      xaxis: { ...axis, range: own.group.range.slice(), exponentformat: "none", separatethousands: true, nticks: 6 },
      yaxis: { ...axis, type: own.plot.log ? "log" : "linear", range: padded(own.plot.range), nticks: 6, dtick: decades(own.plot) },
      shapes: shapes(own),
    };
  };
  const padded = ([low, high]) => [low - 0.02 * (high - low), high + 0.02 * (high - low)];
  const decades = (plot) => (plot.log ? Math.max(1, Math.ceil((plot.range[1] - plot.range[0]) / 5)) : undefined);
  const config = { displayModeBar: false, displaylogo: false, responsive: true, doubleClick: "reset", showTips: false };

  const draw = (own) => {
    const Plotly = plotly();
    own.live.hidden = false;
    Plotly.newPlot(own.live, traces(own.plot, own.hidden), layout(own), config);
    own.box.classList.add("drawn");
    own.live.on("plotly_relayout", (change) => {
      const range = own.live.layout.xaxis.range;
      if (Object.keys(change).some((key) => key.startsWith("xaxis"))) zoom(own.group, range.slice(), own);
    });
    own.live.on("plotly_click", (event) => {
      own.group.section.dispatchEvent(new CustomEvent("step-wanted", { detail: event.points[0].x }));
    });
    drawn.push(own);
  };

  // The plots of a case share what they show of the steps.
  const zoom = (group, range, from) => {
    const [low, high] = group.range;
    if (Math.abs(low - range[0]) < 1e-9 && Math.abs(high - range[1]) < 1e-9) return;
    group.range = range;
    for (const own of group.plots) {
      if (own !== from && own.live.layout) window.Plotly.relayout(own.live, { "xaxis.range": range.slice() });
    }
  };
  const scale = (group, factor) => {
    const [low, high] = group.range;
    const width = Math.min(high - low, group.whole[1] - group.whole[0]) * factor;
    const inside = group.step !== null && group.step >= low && group.step <= high;
    const middle = inside ? group.step : (low + high) / 2;
    const all = group.whole[1] - group.whole[0];
    if (width >= all) return zoom(group, group.whole.slice());
    const from = Math.max(group.whole[0], Math.min(group.whole[1] - width, middle - width / 2));
    if (width >= 2) zoom(group, [from, from + width]);
  };

  const toggles = (own, figure) => {
    figure.querySelectorAll("[data-role=legend] > li").forEach((item, k) => {
      const button = document.createElement("button");
      button.type = "button";
      button.setAttribute("aria-pressed", "true");
      button.append(...item.childNodes);
      item.append(button);
      button.addEventListener("click", () => {
        const shown = own.hidden.delete(k);
        if (!shown) own.hidden.add(k);
        button.setAttribute("aria-pressed", String(shown));
        if (!own.live.layout) draw(own);
        else window.Plotly.restyle(own.live, { visible: shown }, [k]);
      });
    });
  };

  const chosen = (section) => ("step" in section.dataset ? Number(section.dataset.step) : null);
  const groups = new Map();
  for (const [id, data] of Object.entries(texts.cases)) {
    const section = document.getElementById(id);
    const margin = data.last / 100;
    const whole = [-margin, data.last + margin];
    const group = { section, whole, range: whole.slice(), step: chosen(section), plots: [] };
    groups.set(section, group);
    section.querySelectorAll("[data-role=plot]").forEach((figure, k) => {
      const box = figure.querySelector(".plot");
      const own = { group, box, live: box.querySelector(".live"), plot: data.plots[k], hidden: new Set() };
      group.plots.push(own);
      toggles(own, figure);
    });
    const press = (name, action) => section.querySelector(`[data-role=${name}]`).addEventListener("click", () => {
      group.plots.forEach((own) => own.live.layout || draw(own));
      action();
    });
    press("zoom-in", () => scale(group, 0.5));
    press("zoom-out", () => scale(group, 2));
    press("zoom-all", () => zoom(group, whole.slice()));
    section.addEventListener("step-chosen", (event) => {
      group.step = event.detail;
      for (const own of group.plots) {
        if (own.live.layout) window.Plotly.relayout(own.live, { shapes: shapes(own) });
      }
    });
  }

  const watcher = new IntersectionObserver((entries) => {
    for (const entry of entries) {
      if (!entry.isIntersecting) continue;
      watcher.unobserve(entry.target);
      const own = byBox.get(entry.target);
      if (!own.live.layout) draw(own);
    }
  }, { rootMargin: "200px" });
  const byBox = new Map();
  for (const group of groups.values()) for (const own of group.plots) {
    byBox.set(own.box, own);
    watcher.observe(own.box);
  }

  dark.addEventListener("change", () => {
    for (const own of drawn) window.Plotly.react(own.live, traces(own.plot, own.hidden), layout(own), config);
  });
})();
