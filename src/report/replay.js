function replay(draw, make, secs, point) {
  const source = document.getElementById("replay-data");
  if (!source) return;
  const data = JSON.parse(source.textContent);
  const root = document.getElementById("replay");
  const circle = data.rings.some((ring) => ring.circles);
  const width = 900, top = circle ? 236 : 118, pitch = 22;
  const many = Math.max(data.instances.length, 1);
  const columns = Math.ceil(many / 30), perColumn = Math.ceil(many / columns);
  const callers = data.callers.length;
  const height = top + Math.max(perColumn * pitch, 240) + 24;
  const stage = make("div", { className: "chart" });
  stage.innerHTML = `<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="The fleet at a moment"></svg>`;
  const svg = stage.firstChild;
  const words = (x, y, text, anchor = "start") => {
    const it = draw(svg, "text", { x, y, "text-anchor": anchor });
    it.textContent = text;
    return it;
  };
  const left = 20, right = 250, columnWidth = (width - right - 20) / columns;
  const callerAt = (i) => [left + 110, top + (i + 0.5) * (height - top - 24) / Math.max(callers, 1)];
  const instanceAt = (i) => [
    right + Math.floor(i / perColumn) * columnWidth, top + (i % perColumn) * pitch + 8];
  const lines = draw(svg, "g", {});
  data.callers.forEach((name, i) => {
    const [x, y] = callerAt(i);
    draw(svg, "circle", { cx: x, cy: y, r: 3, class: "caller" });
    if (callers <= 24) words(x - 8, y + 4, name, "end");
  });
  if (callers > 24) words(left, top - 8, callers + " callers");
  const peak = Math.max(1, ...data.load.flat(), ...data.queue.flat());
  const bar = Math.max(30, columnWidth - 96);
  const rows = data.instances.map((name, i) => {
    const [x, y] = instanceAt(i);
    draw(svg, "rect", { x: x + 78, y: y - 7, width: bar, height: 14, class: "track" });
    return {
      x: x + 78,
      label: words(x + 72, y + 4, name, "end"),
      load: draw(svg, "rect", { x: x + 78, y: y - 7, width: 0, height: 14, class: "load" }),
      queue: draw(svg, "rect", { x: x + 78, y: y - 7, width: 0, height: 14, class: "queue" }),
      mark: words(x + 82, y + 4, ""),
    };
  });
  const fault = words(left, 24, ""), status = words(left, 46, ""), ringText = words(left, 68, "");
  const believed = words(left, 90, "");
  const ring = draw(svg, "g", {});
  const isIn = (spans, t) => spans.some(([from, to]) => from <= t && t < to);
  /* The owners of equal parts of the ring, clockwise from the top. */
  const drawCircle = (runs, before) => {
    const spread = (list) => list.flatMap(([owner, count]) => Array(count).fill(owner));
    const now = spread(runs), then = spread(before), r = 84, x0 = width - 130, y0 = 124;
    const rim = (sector) => {
      const angle = sector / now.length * 2 * Math.PI;
      return (x0 + r * Math.sin(angle)).toFixed(1) + " " + (y0 - r * Math.cos(angle)).toFixed(1);
    };
    const paths = new Map();
    for (let from = 0, to; from < now.length; from = to) {
      const moved = now[from] !== then[from];
      for (to = from + 1; to < now.length && now[to] === now[from]
        && (now[to] !== then[to]) === moved; to += 1);
      const key = now[from] + (moved ? " moved" : "");
      const wide = to - from > now.length / 2 ? 1 : 0;
      paths.set(key, (paths.get(key) ?? "") + `M${rim(from)}A${r} ${r} 0 ${wide} 1 ${rim(Math.min(to, from + now.length - 0.1))}`);
    }
    for (const [key, d] of paths) {
      const path = draw(ring, "path", { d, class: "own o" + parseInt(key) % 8
        + (key.endsWith("moved") ? " moved" : "") });
      draw(path, "title", {}).textContent = data.ringNames[parseInt(key)];
    }
  };
  const drawRing = (t) => {
    ring.replaceChildren();
    const change = data.rings.find(({ start, end }) => start <= t && t < end);
    const of = change ?? data.rings[0];
    if (!of) return;
    if (of.circles) {
      drawCircle(change ? of.circles[1] : of.circles[0], of.circles[0]);
      ringText.textContent = change
        ? "ring: after " + of.fault + ", what it moved in full color" : "ring: before any change";
      return;
    }
    const shares = change ? change.after : of.before;
    ringText.textContent = "ring: " + (change ? "after " + of.fault : "before any change");
    let x = right;
    const total = width - right - 20;
    shares.forEach((share, i) => {
      const piece = draw(ring, "rect",
        { x, y: 58, width: Math.max(0, share * total - 0.5), height: 12, class: "arc" + i % 2 });
      draw(piece, "title", {}).textContent =
        data.ringNames[i] + ": " + (share * 100).toFixed(2) + " %";
      x += share * total;
    });
  };
  let at = data.start, timer = null, lastFrame = 0;
  const show = (t) => {
    at = Math.min(Math.max(t, data.start), data.end);
    const index = Math.min(Math.floor(at / data.window), (data.load[0] ?? []).length - 1);
    rows.forEach((row, i) => {
      const down = isIn(data.down[i], at), suspected = isIn(data.suspected[i], at);
      const unit = bar / peak;
      const load = data.load[i][index] ?? 0, queue = Math.min(data.queue[i][index] ?? 0, load);
      row.load.setAttribute("width", (load - queue) * unit);
      row.queue.setAttribute("x", row.x + (load - queue) * unit);
      row.queue.setAttribute("width", queue * unit);
      const mark = down && suspected ? "\u2717 down, suspected"
        : down ? "\u2717 down, nobody knows" : suspected ? "? suspected, but up" : "";
      row.mark.textContent = bar < 150 ? mark.slice(0, mark.indexOf(",") + 1 || 11).replace(",", "")
        : mark;
      row.label.classList.toggle("down", down);
    });
    const span = (data.end - data.start) / 120;
    lines.replaceChildren();
    for (const [sent, , caller, instance, ok] of data.attempts) {
      if (sent > at) break;
      if (sent < at - span || instance < 0 || caller < 0) continue;
      const [x1, y1] = callerAt(caller), [x2, y2] = instanceAt(instance);
      draw(lines, "line", { x1, y1, x2: x2 + 74, y2, class: ok ? "sent" : "lost" });
    }
    const active = data.faults.filter(({ spans }) => isIn(spans, at)).map(({ name }) => name);
    fault.textContent = active.length ? "\u26a0 " + active.join(", ") : "no fault";
    fault.setAttribute("class", active.length ? "fault" : "");
    const requests = data.requests[Math.min(Math.floor(at / data.requestWindow), data.requests.length - 1)];
    status.textContent = secs(at) + (requests
      ? ` \u00b7 ${requests[0]} requests/s, ${requests[1]} % succeeded` : "");
    const doubted = data.instances.filter((_, i) => isIn(data.suspected[i], at));
    believed.textContent = data.observer ? data.observer + ": "
      + (doubted.length ? "suspects " + doubted.slice(0, 6).join(", ")
        + (doubted.length > 6 ? " and " + (doubted.length - 6) + " more" : "") : "suspects nobody")
      : "";
    drawRing(at);
    slider.value = at;
    slider.setAttribute("aria-valuetext", status.textContent + ", " + fault.textContent);
  };
  const button = (text, label, act) => {
    const it = make("button", { type: "button" }, text);
    it.setAttribute("aria-label", label);
    it.addEventListener("click", act);
    return it;
  };
  const slider = make("input", {
    type: "range", min: data.start, max: data.end, step: data.window / 4, value: data.start });
  slider.setAttribute("aria-label", "Time of the replay");
  const speed = make("select", {},
    ...[1, 5, 20].map((n) => make("option", { value: n, selected: n === 5 }, n + " \u00d7")));
  speed.setAttribute("aria-label", "Speed");
  const go = (t) => {
    show(t);
    point(at);
  };
  const stop = () => {
    cancelAnimationFrame(timer);
    timer = null;
    play.textContent = "\u25b6 Play";
    play.setAttribute("aria-label", "Play");
  };
  const frame = (now) => {
    go(at + (now - lastFrame) / 1000 * Number(speed.value));
    lastFrame = now;
    if (at >= data.end) stop();
    else timer = requestAnimationFrame(frame);
  };
  const play = button("\u25b6 Play", "Play", () => {
    if (timer !== null) return stop();
    if (at >= data.end) at = data.start;
    play.textContent = "\u23f8 Pause";
    play.setAttribute("aria-label", "Pause");
    lastFrame = performance.now();
    timer = requestAnimationFrame(frame);
  });
  slider.addEventListener("input", () => go(Number(slider.value)));
  root.append(
    make("div", { className: "controls" }, play,
      button("\u2212", "Step back", () => go(at - data.window)),
      button("+", "Step forward", () => go(at + data.window)), slider, speed),
    stage);
  show(data.faults[0]?.spans[0]?.[0] ?? data.start);
  root.hidden = false;
}
