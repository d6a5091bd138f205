"use strict";
(() => {
  const all = (what, where = document) => [...where.querySelectorAll(what)];
  const make = (tag, props = {}, ...inside) => {
    const it = Object.assign(document.createElement(tag), props);
    it.append(...inside);
    return it;
  };
  const draw = (svg, tag, attributes) => {
    const it = document.createElementNS(svg.namespaceURI, tag);
    for (const [key, value] of Object.entries(attributes)) it.setAttribute(key, value);
    svg.append(it);
    return it;
  };
  const secs = (t) => (t < 10 ? t.toFixed(2) : t.toFixed(1)) + " s";

  /* Tables: a title is a button that sorts. */
  const value = (cell) => {
    const text = cell.textContent.replace(/[,\u2009]/g, "").replace("\u2212", "-");
    const units = { ns: 1e-9, us: 1e-6, ms: 1e-3, min: 60, h: 3600, d: 86400 };
    const found = /^[^\d-]*(-?[\d.]+(?:e-?\d+)?)\s*([a-z]*)/.exec(text);
    return found ? Number(found[1]) * (units[found[2]] ?? 1) : NaN;
  };
  const sort = (table, place, sign) => {
    const body = table.tBodies[0];
    const rows = [...body.rows].map((row) => [value(row.cells[place]), row]);
    const isNumber = rows.some(([number]) => !Number.isNaN(number));
    const least = (number) => (Number.isNaN(number) ? -Infinity : number);
    rows.sort(([a, x], [b, y]) => sign * (isNumber
      ? least(a) - least(b) || 0
      : x.cells[place].textContent.localeCompare(y.cells[place].textContent)));
    body.append(...rows.map(([, row]) => row));
  };
  for (const table of all("table")) {
    if (table.tBodies[0].rows.length < 2) continue;
    [...table.tHead.rows[0].cells].forEach((head, place) => {
      if (!head.textContent) return;
      const button = make("button", { type: "button", className: "sort" }, ...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => {
        const sign = head.ariaSort === "ascending" ? -1 : 1;
        for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
        head.ariaSort = sign === 1 ? "ascending" : "descending";
        sort(table, place, sign);
      });
    });
  }

  /* Charts over time share a cursor, a zoom and a hint. */
  const hint = make("div", { className: "hint", hidden: true });
  hint.setAttribute("aria-hidden", "true");
  const reset = make("button", { type: "button", className: "reset", hidden: true }, "Whole time");
  document.body.append(hint, reset);
  const charts = all("figure").flatMap((figure) => {
    const svg = figure.querySelector("svg");
    if (!svg) return [];
    const plots = JSON.parse(figure.dataset.plots ?? "[]").map(
      ([left, top, right, bottom, start, end]) => ({ left, top, right, bottom, start, end }));
    const rows = all("tbody tr", figure).map((row) => {
      const cells = [...row.cells].map((cell) => cell.textContent);
      return { cells, ends: cells[0].replaceAll(",", "").split("\u2013").map(Number) };
    });
    const heads = all("thead th", figure).map((head) => head.textContent);
    return [{ figure, svg, plots, rows, heads, lines: [] }];
  });
  const timed = charts.filter((chart) => chart.plots.length);
  const place = (chart, event) => {
    const matrix = chart.svg.getScreenCTM();
    const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform(matrix.inverse());
    return { x, y, plot: chart.plots.find((p) =>
      p.left <= x && x <= p.right && p.top - 40 <= y && y <= p.bottom + 40) };
  };
  const timeAt = (plot, x) => {
    const share = (Math.min(Math.max(x, plot.left), plot.right) - plot.left) / (plot.right - plot.left);
    return plot.start + share * (plot.end - plot.start);
  };
  const xAt = (plot, t) =>
    plot.left + (t - plot.start) / (plot.end - plot.start) * (plot.right - plot.left);
  const point = (t) => {
    for (const chart of timed) {
      chart.lines.forEach((line) => line.remove());
      chart.lines = t === null ? [] : chart.plots
        .filter((plot) => plot.start <= t && t <= plot.end)
        .map((plot) => {
          const x = xAt(plot, t);
          return draw(chart.svg, "line",
            { class: "cursor", x1: x, x2: x, y1: plot.top, y2: plot.bottom });
        });
    }
  };
  const labels = (chart) => all("text", chart.svg).map((text) => [
    Number(text.getAttribute("y")), Number(text.getAttribute("x")), text.textContent]);
  const tell = (chart, { x, y, plot }, event) => {
    const t = timeAt(plot, x);
    const words = [secs(t)];
    const row = chart.rows.find(({ ends }) => ends[0] <= t && t < ends[1]);
    if (row) chart.heads.slice(1).forEach((head, i) => words.push(head + ": " + row.cells[i + 1]));
    else {
      const near = labels(chart)
        .filter(([labelY, labelX]) => labelX < plot.left && plot.top - 20 < labelY)
        .sort((a, b) => Math.abs(a[0] - y) - Math.abs(b[0] - y))[0];
      if (near) words.push(near[2]);
    }
    hint.replaceChildren(...words.map((word) => make("div", {}, word)));
    hint.hidden = false;
    const { offsetWidth: width, offsetHeight: height } = hint;
    hint.style.left = Math.max(4, Math.min(event.clientX + 16, innerWidth - width - 8)) + "px";
    hint.style.top = Math.max(4, Math.min(event.clientY + 16, innerHeight - height - 8)) + "px";
  };
  const zoom = (from, to) => {
    for (const { svg, plots } of timed) {
      const box = svg.viewBox.baseVal;
      const { start, end } = plots[0];
      const factor = from === null ? 1 : Math.min(20, (end - start) / (to - from));
      svg.style.width = "";
      svg.style.height = "";
      const shown = svg.getBoundingClientRect();
      const scale = shown.width / box.width;
      if (factor > 1) {
        svg.style.width = factor * 100 + "%";
        svg.style.height = shown.height + "px";
        svg.setAttribute("preserveAspectRatio", "none");
      } else svg.removeAttribute("preserveAspectRatio");
      for (const it of all("path, polyline, line", svg)) {
        const width = it.getAttribute("stroke-width");
        it.style.vectorEffect = factor > 1 ? "non-scaling-stroke" : "";
        it.style.strokeWidth = factor > 1 && width ? width * scale + "px" : "";
      }
      const frame = svg.parentNode;
      /* Texts keep their form; those at the left of the plot stay in sight. */
      const settle = () => {
        for (const it of all("text", svg)) {
          const x = Number(it.getAttribute("x"));
          const isBeside = x <= plots[0].left;
          const to = isBeside ? x / factor + frame.scrollLeft / (scale * factor) : x;
          it.classList.toggle("beside", factor > 1 && isBeside);
          if (factor > 1) it.setAttribute("transform",
            `translate(${to} 0) scale(${1 / factor} 1) translate(${-x} 0)`);
          else it.removeAttribute("transform");
        }
      };
      const before = factor > 1 ? plots[0].left * scale : 0;
      frame.scrollLeft = factor > 1 ? xAt(plots[0], from) * scale * factor - before : 0;
      frame.onscroll = factor > 1 ? settle : null;
      settle();
    }
    reset.hidden = from === null;
  };
  reset.addEventListener("click", () => zoom(null));
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !reset.hidden) zoom(null);
  });
  for (const chart of timed) {
    let drag = null;
    chart.svg.addEventListener("pointerdown", (event) => {
      const at = place(chart, event);
      if (at.plot && event.button === 0 && event.pointerType === "mouse") {
        drag = { x: at.x, plot: at.plot, box: null };
      }
    });
    chart.svg.addEventListener("pointermove", (event) => {
      const at = place(chart, event);
      if (!at.plot) {
        point(null);
        hint.hidden = true;
        return;
      }
      point(timeAt(at.plot, at.x));
      tell(chart, at, event);
      if (drag) {
        drag.box?.remove();
        const { plot } = drag;
        drag.box = draw(chart.svg, "rect", {
          class: "selection", x: Math.min(drag.x, at.x), width: Math.abs(at.x - drag.x),
          y: plot.top, height: plot.bottom - plot.top });
        event.preventDefault();
      }
    });
    chart.svg.addEventListener("pointerleave", () => {
      point(null);
      hint.hidden = true;
    });
    addEventListener("pointerup", (event) => {
      if (!drag) return;
      const { x, plot, box } = drag;
      drag = null;
      box?.remove();
      const ends = [timeAt(plot, x), timeAt(plot, place(chart, event).x)].sort((a, b) => a - b);
      if (box && ends[0] < ends[1]) zoom(...ends);
    });
  }

  /* An instance is followed through all charts and tables. */
  const named = new Map();
  for (const it of all("svg text, td")) {
    const name = it.textContent;
    if (/^[^\s/]+\/[^\s/]+(\/\d+)?$/.test(name)) {
      named.set(name, [...(named.get(name) ?? []), it]);
    }
  }
  for (const [, places] of named) {
    const follow = (isOn) => places.forEach((it) => it.classList.toggle("followed", isOn));
    for (const it of places) {
      it.addEventListener("pointerenter", () => follow(true));
      it.addEventListener("pointerleave", () => follow(false));
    }
  }

  /* Variants are shown and hidden, in tables and in charts with a row for each. */
  const box = document.getElementById("variants");
  for (const name of JSON.parse(box?.dataset.names ?? "[]")) {
    const tables = all("table").filter((table) =>
      ["variant", "name"].includes(table.tHead.rows[0].cells[0].textContent));
    const rows = tables.flatMap((table) => [...table.tBodies[0].rows])
      .filter((row) => row.cells[0].textContent === name);
    const places = all("figure svg text").filter((text) => text.textContent === name);
    const veils = [];
    const input = make("input", { type: "checkbox", checked: true });
    input.addEventListener("change", () => {
      rows.forEach((row) => { row.hidden = !input.checked; });
      veils.splice(0).forEach((veil) => veil.remove());
      if (input.checked) return;
      for (const text of places) {
        const svg = text.ownerSVGElement, { y, height } = text.getBBox();
        veils.push(draw(svg, "rect", {
          class: "veil", x: 4, y: y + height / 2 - 40, height: 80,
          width: svg.viewBox.baseVal.width - 8 }));
      }
    });
    box.append(make("label", {}, input, " " + name));
  }

  replay(draw, make, secs, point);
})();
