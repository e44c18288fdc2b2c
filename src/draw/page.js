// SPDX-License-Identifier: BSD-3-Clause
// The picture: lanes side by side, time downwards. Nothing of the story is ever read as markup:
// texts go into the page as text only.
"use strict";
(() => {
  const story = JSON.parse(document.getElementById("story").textContent);
  const KINDS = ["question", "order", "hello", "info", "ping", "link", "stream", "client"];
  const KIND_NAMES = { event: "events", question: "votes", order: "orders", hello: "hello", info: "INFO", ping: "PING",
    link: "links", stream: "replication", client: "clients" };
  const COLOR = k => `var(--${k === "client" ? "client-talk" : k})`;
  const PHASES = ["silence", "agreement", "standing", "election", "choice", "promotion", "turning"];
  const PHASE_COLORS = ["--sdown", "--odown", "--candidate", "--leader", "--hello", "--promoted", "--replica"];
  const BANDS = { sdown: "S_DOWN", odown: "O_DOWN", candidate: "candidate", leader: "leader",
    promoted: "leader, promotion done", primary: "primary", replica: "replica", loading: "loading",
    dead: "dead", paused: "standing still" };
  const SIDES = { sdown: -1, odown: -1, candidate: 1, leader: 1, promoted: 1 }; // of its lane; others are on it
  const SVG = "http://www.w3.org/2000/svg";
  const DRAWN_MAX = 5000;
  const $ = id => document.getElementById(id);

  // The story, with names for the places of its rows --------------------------------------------

  const lanes = story.lanes.map(([kind, name, detail, group], id) => ({ id, kind, name, detail, group }));
  const messages = story.messages.map(([from, to, at, heard, kind, group, guess, label, detail]) =>
    ({ type: "message", from, to, at, heard, kind, group, guess, label, detail, end: heard === null ? at : heard }));
  const marks = story.marks.map(([lane, at, kind, group, text]) =>
    ({ type: "mark", lane, at, end: at, kind, group, text, short: shorten(kind, text) }));
  const bands = story.bands.map(([lane, from, to, kind, group, text]) => ({ lane, from, to, kind, group, text }));
  const failovers = story.failovers.map(([lane, group, epoch, at, loss, reason, result, from, to]) =>
    ({ lane, group, epoch, at, loss, reason, result, from, to }));
  const instants = messages.concat(marks).flatMap(i => [i.at, i.end]);
  const first = instants.reduce((a, b) => Math.min(a, b), instants.length ? instants[0] : 0);
  const last = instants.reduce((a, b) => Math.max(a, b), first);
  const ORDER = { server: 0, sentinel: 1, client: 2 };

  function shorten(kind, text) {
    const word = text.split(" ")[0];
    return kind === "notice" ? word : text.length > 34 ? text.slice(0, 33) + "…" : text;
  }

  // What is shown ---------------------------------------------------------------------------------

  const view = { group: -1, linear: false, stretch: 1, from: first, to: last, find: "",
    state: { event: "some", question: "on", order: "on", hello: "some", info: "off", ping: "off", link: "off",
      stream: "off", client: "off" } };

  // Where most happens: from the first fault, or the first silence, until the last failover is over.
  function interesting() {
    const starts = marks.filter(m => m.kind === "fault").map(m => m.at)
      .concat(failovers.map(f => f.at.find(a => a !== null)).filter(a => a !== undefined));
    const ends = failovers.map(f => f.at[PHASES.length]).filter(a => a !== null)
      .concat(marks.filter(m => m.kind === "fault" || m.kind === "verdict" ||
        (m.kind === "notice" && /^[+-](switch-master|convert-to-slave|odown|abort)/.test(m.text))).map(m => m.at));
    if (!starts.length)
      return [first, last];
    const from = starts.reduce((a, b) => Math.min(a, b));
    const to = ends.length ? ends.reduce((a, b) => Math.max(a, b)) : last;
    return [Math.max(first, from - 5000), Math.min(last, Math.max(to, from) + 400000)];
  }

  // Times in which routine talk is of interest.
  const windows = failovers.map(f => [
    (f.at[2] ?? f.at[3] ?? f.at[0]) - 8000,
    (f.at[6] ?? f.at[7] ?? f.at[0]) + 60000 ]);
  const isAmid = at => windows.some(([a, b]) => at >= a && at <= b);

  function isShown(item) {
    if (item.end < view.from || item.at > view.to)
      return false;
    if (view.group >= 0 && item.group >= 0 && item.group !== view.group)
      return false;
    if (item.type === "mark")
      return (view.group < 0 || item.lane < 0 || laneIsShown(lanes[item.lane])) && markIsShown(item);
    if (!laneIsShown(lanes[item.from]) || !laneIsShown(lanes[item.to]))
      return false;
    const state = view.state[item.kind];
    return state === "on" || (state === "some" && isAmid(item.at));
  }

  // Notices that say again what the messages and bands around them say.
  const ECHO = /^([+-]failover-state-|\+new-epoch|\+vote-for-leader|\+slave |\+slave-reconf-(sent|inprog)|\+sentinel |[+-]role-change|[+-]sdown slave )/;
  function markIsShown(mark) {
    if (mark.kind === "fault" || mark.kind === "verdict" || mark.kind === "end")
      return true;
    return view.state.event === "on" || (view.state.event === "some" && !(mark.kind === "notice" && ECHO.test(mark.text)));
  }

  function laneIsShown(lane) {
    return view.group < 0 || lane.group < 0 || lane.group === view.group;
  }

  // Words --------------------------------------------------------------------------------------------

  const thousands = n => n.replace(/\B(?=(\d{3})+(?!\d))/g, " ");
  function ms(us) {
    const value = us / 1000;
    const digits = Math.abs(value) >= 100 || Number.isInteger(value) ? (us % 1000 === 0 ? 0 : 1) : us % 100 === 0 ? 1 : 2;
    const [whole, part] = value.toFixed(digits).split(".");
    return thousands(whole) + (part ? "." + part : "");
  }
  const span = us => us >= 10e6 ? `${(us / 1e6).toFixed(1)} s` : us >= 1e6 ? `${(us / 1e6).toFixed(2)} s` : `${ms(us)} ms`;
  const laneName = id => id < 0 ? "world" : lanes[id].name;
  const groupName = id => id < 0 ? "" : story.groups[id];

  function describe(item) {
    if (item.type === "mark")
      return `${laneName(item.lane)}, at ${ms(item.at)} ms${item.group >= 0 ? ", " + groupName(item.group) : ""}\n${item.text}`;
    const way = item.heard === null ? "never arrived" : `${item.guess ? "about " : ""}${span(item.heard - item.at)} on the way`;
    return `${item.label}\n${laneName(item.from)} → ${laneName(item.to)}, sent at ${ms(item.at)} ms, ${way}` +
      (item.detail ? "\n" + item.detail : "");
  }

  // The axis: either true, or compressed, where every instant gets room and silence takes little --------

  function compressed(items) {
    const rows = new Map();
    for (const item of items) {
      rows.set(item.at, rows.get(item.at) || new Map());
      rows.set(item.end, rows.get(item.end) || new Map());
      if (item.type === "mark") {
        const row = rows.get(item.at);
        row.set(item.lane, (row.get(item.lane) || 0) + 1);
      }
    }
    const times = [...rows.keys()].filter(t => t >= view.from && t <= view.to).sort((a, b) => a - b);
    const ys = [];
    let y = 26;
    times.forEach((t, i) => {
      if (i > 0) {
        const gap = (t - times[i - 1]) / 1000;
        const marksBefore = Math.max(0, ...rows.get(times[i - 1]).values());
        const room = Math.min(74, 7 + 8 * Math.log(1 + 3 * gap)) * view.stretch;
        y += Math.max(room, marksBefore > 0 ? 13 * marksBefore + 2 : 0);
      }
      ys.push(y);
    });
    return { times, ys, height: y + 40 };
  }

  function straight() {
    const k = 900 * view.stretch / Math.max(1, view.to - view.from);
    const steps = 24 * Math.max(1, Math.round(view.stretch));
    const times = Array.from({ length: steps + 1 }, (_, i) => view.from + (view.to - view.from) * i / steps);
    return { times, ys: times.map(t => 26 + (t - view.from) * k), height: 26 + 900 * view.stretch + 40, linear: true };
  }

  function yOf(axis, t) {
    const { times, ys } = axis;
    if (!times.length || t <= times[0])
      return ys.length ? ys[0] - (times.length && t < times[0] ? 12 : 0) : 26;
    if (t >= times[times.length - 1])
      return ys[ys.length - 1] + (t > times[times.length - 1] ? 18 : 0);
    let low = 0;
    let high = times.length - 1;
    while (high - low > 1) {
      const mid = (low + high) >> 1;
      if (times[mid] <= t) low = mid; else high = mid;
    }
    return ys[low] + (ys[high] - ys[low]) * (t - times[low]) / (times[high] - times[low]);
  }

  // Elements ---------------------------------------------------------------------------------------------

  function svg(name, attributes, text) {
    const element = document.createElementNS(SVG, name);
    for (const key in attributes)
      element.setAttribute(key, attributes[key]);
    if (text !== undefined)
      element.textContent = text;
    return element;
  }
  function html(name, attributes, text) {
    const element = document.createElement(name);
    for (const key in attributes)
      if (key === "style") element.style.cssText = attributes[key]; else element.setAttribute(key, attributes[key]);
    if (text !== undefined)
      element.textContent = text;
    return element;
  }

  // Labels that do not lie over one another -----------------------------------------------------------------

  const ruler = document.createElement("canvas").getContext("2d");
  ruler.font = '11px system-ui, "Segoe UI", "DejaVu Sans", sans-serif';
  const widths = new Map();
  function widthOf(text) {
    if (!widths.has(text)) widths.set(text, ruler.measureText(text).width + 4);
    return widths.get(text);
  }
  class Boxes {
    constructor() { this.cells = new Map(); }
    near(box) { return [Math.floor(box.y / 40), Math.floor((box.y + box.h) / 40)]; }
    free(box) {
      const [a, b] = this.near(box);
      for (let c = a; c <= b; c++)
        for (const o of this.cells.get(c) || [])
          if (box.x < o.x + o.w && o.x < box.x + box.w && box.y < o.y + o.h && o.y < box.y + box.h) return false;
      return true;
    }
    take(box) {
      const [a, b] = this.near(box);
      for (let c = a; c <= b; c++)
        this.cells.set(c, (this.cells.get(c) || []).concat([box]));
    }
  }

  // Drawing -----------------------------------------------------------------------------------------------------

  let items = [];
  let drawnAxis = null;
  let plan = null;

  function place() {
    const busy = new Set(messages.concat(marks).filter(isShown).flatMap(i => i.type === "mark" ? [i.lane] : [i.from, i.to]));
    const shown = lanes.filter(lane => laneIsShown(lane) && (busy.has(lane.id) || lane.kind === "server")).sort((a, b) => ORDER[a.kind] - ORDER[b.kind] || a.group - b.group || a.id - b.id);
    const room = $("stage").clientWidth || 1200;
    const left = 96;
    const right = failovers.length ? 150 : 30;
    const gap = Math.max(118, Math.min(230, (room - left - right - 230) / Math.max(1, shown.length - 1)));
    const x = new Map();
    shown.forEach((lane, i) => x.set(lane.id, left + 60 + i * gap));
    const width = Math.max(room, left + 60 + (shown.length - 1) * gap + 170 + right);
    return { shown, x, left, right, width, gap, edge: left + 60 + (shown.length - 1) * gap + 170 };
  }

  function drawHeads() {
    $("heads").replaceChildren(...plan.shown.map(lane => {
      const head = html("span", { class: "head", style: `left:${plan.x.get(lane.id)}px;--c:var(--${lane.kind})` }, lane.name);
      head.title = lane.detail;
      return head;
    }));
  }

  function drawTimes(layer, axis) {
    let lastY = -100;
    axis.times.forEach((t, i) => {
      const y = axis.ys[i];
      const gap = i > 0 ? t - axis.times[i - 1] : 0;
      if (!axis.linear && gap >= 400000) {
        const middle = (axis.ys[i - 1] + y) / 2;
        layer.append(svg("line", { class: "break", x1: plan.left + 6, x2: plan.edge, y1: middle, y2: middle }));
        layer.append(svg("text", { class: "gap", x: plan.left - 6, y: middle + 4 }, `⋮ ${span(gap)}`));
      }
      if (y - lastY >= 13) {
        layer.append(svg("text", { class: "time", x: plan.left - 6, y: y + 3.5 }, ms(t)));
        lastY = y;
      }
    });
  }

  function drawBands(layer, axis) {
    for (const band of bands) {
      const lane = lanes[band.lane];
      const to = band.to === null ? last : band.to;
      if (!plan.x.has(band.lane) || to < view.from || band.from > view.to) continue;
      if (view.group >= 0 && band.group >= 0 && band.group !== view.group) continue;
      const y1 = yOf(axis, Math.max(band.from, view.from));
      const y2 = yOf(axis, Math.min(to, view.to));
      const shift = view.group < 0 && band.group > 0 ? band.group * 7 : 0;
      const x = plan.x.get(band.lane);
      const side = SIDES[band.kind] || 0;
      const left = side < 0 ? x - 9 - shift : side > 0 ? x + 2 + shift : x - 4;
      const box = svg("rect", { class: `band ${band.kind}`, x: left, y: y1, width: side ? 7 : 8,
        height: Math.max(3, y2 - y1), rx: 3, fill: `var(--${band.kind})` });
      box.append(svg("title", {}, `${lane.name}: ${band.text || BANDS[band.kind]}` +
        (band.group >= 0 ? ` (${groupName(band.group)})` : "") + `, ${span(to - band.from)}` + (band.to === null ? " and on" : "")));
      layer.append(box);
    }
  }

  function arrow(x1, y1, x2, y2, lost) {
    const side = x2 > x1 ? 1 : -1;
    const a = x1 + side * 5;
    let b = x2 - side * 5;
    if (lost) b = a + (b - a) * 0.62;
    const angle = Math.atan2(y2 - y1, b - a);
    const wing = d => `${(b - 8 * Math.cos(angle + d)).toFixed(1)},${(y2 - 8 * Math.sin(angle + d)).toFixed(1)}`;
    return { a, b, angle, head: lost
      ? `M${b - 4},${y2 - 4}L${b + 4},${y2 + 4}M${b + 4},${y2 - 4}L${b - 4},${y2 + 4}`
      : `M${b},${y2}L${wing(0.38)}L${wing(-0.38)}Z` };
  }

  function drawMessage(item, axis, boxes) {
    const y1 = yOf(axis, item.at);
    const lost = item.heard === null;
    const y2 = lost ? y1 + 9 : yOf(axis, item.heard);
    const { a, b, angle, head } = arrow(plan.x.get(item.from), y1, plan.x.get(item.to), y2, lost);
    const group = svg("g", { class: `item message ${item.kind}${lost ? " lost" : ""}${item.guess ? " guess" : ""}`,
      style: `--c:${COLOR(item.kind)}`, tabindex: -1, role: "img", "aria-label": describe(item) });
    const d = `M${a},${y1}L${b},${y2}`;
    group.append(svg("path", { class: "glow", d }), svg("path", { class: "wire", d }),
      svg("path", lost ? { class: "wire", d: head } : { class: "point", d: head }), svg("path", { class: "hit", d }));
    const width = widthOf(item.label);
    let label = null;
    for (const t of [0.5, 0.36, 0.64, 0.24, 0.76, 0.14, 0.86]) {
      const x = a + (b - a) * t;
      const y = y1 + (y2 - y1) * t - 3;
      const box = { x: x - width / 2, y: y - 9, w: width, h: 11 };
      label = label || { x, y, box };
      if (boxes.free(box)) { label = { x, y, box, free: true }; break; }
    }
    if (label.free) boxes.take(label.box); else group.classList.add("hidden-label");
    const slope = Math.abs(Math.tan(angle)) < 0.35 ? angle * 180 / Math.PI : 0;
    const tilt = slope > 90 ? slope - 180 : slope < -90 ? slope + 180 : slope;
    group.append(svg("text", { class: "says", "text-anchor": "middle", x: label.x, y: label.y,
      ...(Math.abs(tilt) > 1 ? { transform: `rotate(${tilt.toFixed(1)} ${label.x.toFixed(1)} ${label.y.toFixed(1)})` } : {}) }, item.label));
    return group;
  }

  function drawMark(item, axis, boxes, stack) {
    const key = `${item.lane} ${item.at}`;
    const row = stack.get(key) || 0;
    stack.set(key, row + 1);
    const x = item.lane < 0 ? plan.left + 4 : plan.x.get(item.lane);
    const y = yOf(axis, item.at) + row * 13;
    const away = item.lane < 0 ? 10 : lanes[item.lane].kind === "sentinel" ? 13 : 8;
    const width = widthOf(item.short);
    const box = { x: x + away, y: y - 6, w: width, h: 12 };
    const group = svg("g", { class: `item mark ${item.kind}`, style: `--c:var(--${item.kind === "fault" || item.kind === "verdict" ? "fault" : lanes[item.lane]?.kind || "fault"})`,
      tabindex: -1, role: "img", "aria-label": describe(item) });
    const shape = item.kind === "fault" ? `M${x - 6},${y - 6}L${x + 6},${y + 6}M${x + 6},${y - 6}L${x - 6},${y + 6}`
      : item.kind === "save" ? `M${x - 3},${y - 3}h6v6h-6z` : `M${x - 3.5},${y}a3.5,3.5 0 1,0 7,0a3.5,3.5 0 1,0 -7,0`;
    group.append(svg("path", item.kind === "fault" ? { class: "wire", d: shape, "stroke-width": 2.5 } : { class: "point", d: shape }));
    group.append(svg("rect", { class: "hit", x: x - 6, y: y - 6, width: width + away + 8, height: 12 }));
    if (boxes.free(box)) boxes.take(box); else group.classList.add("hidden-label");
    group.append(svg("text", { class: "says", x: x + away, y: y + 3.5 }, item.short));
    return group;
  }

  function drawPhases(layer, axis) {
    const columns = [];
    for (const f of failovers) {
      if (view.group >= 0 && f.group !== view.group) continue;
      const known = f.at.filter(a => a !== null);
      if (!known.length || known[known.length - 1] < view.from || known[0] > view.to) continue;
      const top = yOf(axis, known[0]);
      let column = columns.findIndex(end => end < top);
      if (column < 0) column = columns.length;
      columns[column] = yOf(axis, known[known.length - 1]);
      if (column > 5) continue;
      const x = plan.edge + 6 + column * 10;
      let lastLabel = -100;
      for (const { phase, from, to } of phasesOf(f)) {
        const y1 = yOf(axis, Math.max(from, view.from));
        const y2 = Math.max(yOf(axis, Math.min(to, view.to)), y1 + 1.5);
        const bar = svg("rect", { class: "band phase", x, y: y1, width: 6, height: y2 - y1, fill: `var(${PHASE_COLORS[phase]})` });
        bar.append(svg("title", {}, `${groupName(f.group)}, epoch ${f.epoch}: ${PHASES[phase]} ${span(to - from)}`));
        layer.append(bar);
        const y = Math.max((y1 + y2) / 2 + 4, lastLabel + 12);
        if (column === 0 && columns.length === 1) {
          layer.append(svg("text", { class: "phase", x: x + 14, y }, `${PHASES[phase]} ${span(to - from)}`));
          lastLabel = y;
        }
      }
    }
  }

  function phasesOf(f) {
    const list = [];
    let phase = -1;
    for (let p = 0; p <= PHASES.length; p++) {
      if (f.at[p] === null) continue;
      if (phase >= 0) list.push({ phase, from: f.at[phase], to: f.at[p] });
      phase = p;
    }
    return list.filter(p => p.to > p.from);
  }

  function draw() {
    const stage = $("stage");
    plan = place();
    drawHeads();
    const all = messages.concat(marks).filter(isShown).sort((a, b) => a.at - b.at);
    const shown = all.slice(0, DRAWN_MAX);
    const axis = view.linear ? straight() : compressed(shown);
    drawnAxis = axis;
    const picture = svg("svg", { width: plan.width, height: axis.height, role: "group",
      "aria-label": `${story.title}: ${plan.shown.length} processes, ${shown.length} messages and events; arrow keys go through them` });
    const back = svg("g");
    const front = svg("g");
    const boxes = new Boxes();
    const stack = new Map();
    for (const lane of plan.shown)
      back.append(svg("line", { class: "life", x1: plan.x.get(lane.id), x2: plan.x.get(lane.id), y1: 0, y2: axis.height }));
    drawTimes(back, axis);
    drawBands(back, axis);
    drawPhases(back, axis);
    const drawn = new Map();
    for (const item of shown) if (item.type === "mark") drawn.set(item, drawMark(item, axis, boxes, stack));
    for (const item of shown) if (item.type === "message") drawn.set(item, drawMessage(item, axis, boxes));
    items = shown.map(item => ({ item, element: drawn.get(item) }));
    items.forEach(({ element }, i) => { element.dataset.i = i; front.append(element); });
    if (items.length) items[0].element.setAttribute("tabindex", 0);
    picture.append(back, front);
    stage.replaceChildren(picture);
    $("all").disabled = view.from === first && view.to === last;
    $("foot").firstChild.textContent = all.length > shown.length
      ? `The first ${shown.length} of ${all.length} messages and events are drawn: choose a part of the time above. ` : "";
    drawStrip();
    find();
    if ($("words").open) fillWords();
  }

  // The strip: all of the time, true to scale --------------------------------------------------------------------

  const stripX = t => 1000 * (t - first) / Math.max(1, last - first);
  const stripT = x => first + Math.min(1, Math.max(0, x)) * (last - first);
  let dragging = null;

  function drawStrip() {
    const picture = svg("svg", { viewBox: "0 0 1000 40", preserveAspectRatio: "none" });
    const counts = new Array(250).fill(0);
    for (const m of messages) if (m.kind !== "ping") counts[Math.min(249, Math.floor(stripX(m.at) / 4))]++;
    const most = Math.max(1, ...counts);
    counts.forEach((n, i) => n && picture.append(svg("rect", { x: i * 4, y: 40 - 30 * Math.sqrt(n / most), width: 3, height: 40, fill: "var(--line)" })));
    for (const f of failovers)
      for (const { phase, from, to } of phasesOf(f))
        picture.append(svg("rect", { x: stripX(from), y: 30, width: Math.max(1.5, stripX(to) - stripX(from)), height: 7, fill: `var(${PHASE_COLORS[phase]})` }));
    for (const m of marks) if (m.kind === "fault")
      picture.append(svg("rect", { x: stripX(m.at), y: 0, width: 2, height: 40, fill: "var(--fault)" }));
    picture.append(svg("rect", { x: stripX(view.from), y: 0, width: Math.max(2, stripX(view.to) - stripX(view.from)), height: 40,
      fill: "var(--question)", opacity: 0.14, stroke: "var(--question)" }));
    $("strip").replaceChildren(picture);
  }

  function stripAt(event) {
    const box = $("strip").firstChild.getBoundingClientRect();
    return stripT((event.clientX - box.left) / box.width);
  }
  $("strip").addEventListener("pointerdown", event => { dragging = stripAt(event); $("strip").setPointerCapture(event.pointerId); });
  $("strip").addEventListener("pointerup", event => {
    if (dragging === null) return;
    const [a, b] = [dragging, stripAt(event)].sort((p, q) => p - q);
    dragging = null;
    if (b - a > (last - first) / 300) look(a, b);
  });

  function look(from, to) {
    view.from = Math.max(first, from);
    view.to = Math.min(last, to);
    draw();
  }

  function zoom(factor, clientY) {
    const before = view.stretch;
    const box = $("stage").getBoundingClientRect();
    const y = (clientY ?? innerHeight / 2) - box.top;
    view.stretch = Math.min(24, Math.max(0.4, view.stretch * factor));
    if (view.stretch === before) return;
    const share = y / drawnAxis.height;
    const old = drawnAxis.height;
    draw();
    scrollBy(0, share * (drawnAxis.height - old));
  }

  // Hover, focus, keys ----------------------------------------------------------------------------------------------

  function hint(element, x, y) {
    const box = $("hint");
    box.hidden = element === null;
    if (element === null) return;
    box.textContent = element.getAttribute("aria-label");
    const w = box.offsetWidth;
    const h = box.offsetHeight;
    box.style.left = `${Math.max(8, Math.min(innerWidth - w - 8, x + 16))}px`;
    box.style.top = `${y + 18 + h > innerHeight ? Math.max(8, y - h - 12) : y + 18}px`;
  }
  const itemOf = event => event.target instanceof Element ? event.target.closest(".item") : null;
  $("stage").addEventListener("pointermove", event => hint(itemOf(event), event.clientX, event.clientY));
  $("stage").addEventListener("pointerleave", () => hint(null));
  $("stage").addEventListener("focusin", event => {
    const element = itemOf(event);
    if (!element) return;
    const box = element.getBoundingClientRect();
    hint(element, box.left + box.width / 2, box.bottom);
  });
  $("stage").addEventListener("focusout", () => hint(null));
  $("stage").addEventListener("click", event => itemOf(event)?.focus());
  $("stage").addEventListener("wheel", event => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoom(event.deltaY < 0 ? 1.25 : 0.8, event.clientY);
  }, { passive: false });

  function step(by) {
    const now = document.activeElement?.closest?.(".item");
    const next = Math.max(0, Math.min(items.length - 1, now ? Number(now.dataset.i) + by : 0));
    if (!items.length) return;
    if (now) now.setAttribute("tabindex", -1);
    const element = items[next].element;
    element.setAttribute("tabindex", 0);
    element.focus({ preventScroll: true });
    element.scrollIntoView({ block: "nearest", inline: "nearest" });
  }
  document.addEventListener("keydown", event => {
    if (event.target instanceof HTMLInputElement && event.target.type !== "checkbox") return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const amid = document.activeElement?.closest?.(".item");
    if (event.key === "+" || event.key === "=") zoom(1.4);
    else if (event.key === "-") zoom(1 / 1.4);
    else if (event.key === "0") look(first, last);
    else if (event.key === "Escape") hint(null);
    else if (amid && (event.key === "ArrowDown" || event.key === "ArrowRight")) { event.preventDefault(); step(1); }
    else if (amid && (event.key === "ArrowUp" || event.key === "ArrowLeft")) { event.preventDefault(); step(-1); }
  });

  // Find, words -----------------------------------------------------------------------------------------------------

  function find() {
    const text = view.find.toLowerCase();
    for (const { item, element } of items) {
      const hit = text !== "" && (describe(item).toLowerCase().includes(text));
      element.classList.toggle("found", hit);
      element.classList.toggle("dim", text !== "" && !hit);
    }
  }

  function fillWords() {
    $("rows").replaceChildren(...items.map(({ item, element }) => {
      const row = html("tr", {});
      row.append(html("td", {}, ms(item.at)));
      row.append(html("td", {}, item.type === "mark" ? laneName(item.lane) : `${laneName(item.from)} → ${laneName(item.to)}`));
      row.append(html("td", {}, item.type === "mark" ? item.text : item.label + (item.heard === null ? " (lost)" : "")));
      row.addEventListener("click", () => { element.scrollIntoView({ block: "center" }); element.focus({ preventScroll: true }); });
      return row;
    }));
  }
  $("words").addEventListener("toggle", () => { if ($("words").open) fillWords(); });

  // The tools --------------------------------------------------------------------------------------------------------

  const STATES = ["off", "some", "on"];
  const STATE_NAMES = { off: "off", some: "amid failovers", on: "all" };

  function buildTools() {
    if (story.groups.length > 1) {
      const select = html("select", { id: "group", "aria-label": "Group" });
      select.append(html("option", { value: -1 }, "all groups"));
      story.groups.forEach((name, i) => select.append(html("option", { value: i }, name)));
      select.addEventListener("change", () => { view.group = Number(select.value); draw(); });
      $("groups").append(select);
    }
    for (const kind of ["event"].concat(KINDS)) {
      const count = kind === "event" ? marks.length : messages.filter(m => m.kind === kind).length;
      if (!count) continue;
      const names = kind === "event" ? { off: "off", some: "main", on: "all" } : STATE_NAMES;
      if (!windows.length && kind !== "event" && view.state[kind] === "some") view.state[kind] = kind === "stream" ? "on" : "off";
      const button = html("button", { type: "button", class: "kind", style: `--c:${COLOR(kind)}`, "data-kind": kind });
      const tell = () => {
        button.dataset.state = view.state[kind];
        button.replaceChildren(`${KIND_NAMES[kind]} `, html("small", {}, names[view.state[kind]]));
        button.title = `${count} ${kind === "event" ? "events" : "messages"}`;
        button.setAttribute("aria-pressed", view.state[kind] === "on" ? "true" : view.state[kind] === "off" ? "false" : "mixed");
      };
      button.addEventListener("click", () => {
        let next = (STATES.indexOf(view.state[kind]) + 1) % 3;
        if (!windows.length && kind !== "event" && STATES[next] === "some") next = 2;
        view.state[kind] = STATES[next];
        tell();
        draw();
      });
      tell();
      $("kinds").append(button);
    }
    $("linear").addEventListener("change", () => { view.linear = $("linear").checked; draw(); });
    $("in").addEventListener("click", () => zoom(1.4));
    $("out").addEventListener("click", () => zoom(1 / 1.4));
    $("all").addEventListener("click", () => look(first, last));
    $("theme").addEventListener("click", () => paint(document.documentElement.dataset.theme === "dark" ? "light" : "dark"));
    $("find").addEventListener("input", () => { view.find = $("find").value.trim(); find(); });
    addEventListener("resize", draw);
  }

  function paint(theme) { document.documentElement.dataset.theme = theme; }

  function buildCards() {
    for (const f of failovers) {
      const phases = phasesOf(f);
      const known = f.at.filter(a => a !== null);
      const until = f.at[6] ?? known[known.length - 1];
      const card = html("button", { type: "button", class: "card" });
      card.append(html("span", { class: "took" }, f.at[6] !== null && known.length ? `${span(until - known[0])} without a primary` : f.result));
      card.append(html("b", {}, groupName(f.group)), ` epoch ${f.epoch}: ${f.from} → ${f.to || "?"}, led by ${laneName(f.lane)}`);
      const bar = html("div", { class: "bar" });
      const after = phases.filter(p => p.phase > 0);
      const whole = after.reduce((sum, p) => sum + p.to - p.from, 0) || 1;
      after.forEach(p => bar.append(html("i", { style: `width:${100 * (p.to - p.from) / whole}%;background:var(${PHASE_COLORS[p.phase]})` })));
      const steps = html("div", { class: "steps" });
      phases.forEach(p => {
        const one = html("span", {});
        one.append(html("i", { style: `background:var(${PHASE_COLORS[p.phase]})` }), `${PHASES[p.phase]} ${span(p.to - p.from)}`);
        steps.append(one);
      });
      steps.append(html("span", {}, `${f.reason}, ${f.result}` + (f.loss >= 0 ? `, at most ${f.loss} bytes lost` : "")));
      card.append(bar, steps);
      card.title = "Look at this failover only";
      card.addEventListener("click", () => look(known[0] - 2000, known[known.length - 1] + 100000));
      $("failovers").append(card);
    }
  }

  function buildFoot() {
    const legend = html("div", { class: "legend" });
    for (const kind in BANDS) {
      if (!bands.some(b => b.kind === kind)) continue;
      const one = html("span", {});
      one.append(html("i", { style: `background:var(--${kind})` }), BANDS[kind]);
      legend.append(one);
    }
    $("foot").append("", legend, html("p", {}, "Arrows: from sending to hearing; a cross where one was lost, dashes where an instant is estimated. " +
      "Where nothing is shown time is compressed; “true time” draws it to scale. Keys: Tab into the picture, then arrows; + and - zoom, 0 shows all; Ctrl and the wheel zoom."));
  }

  document.title = story.title || "vedette";
  $("title").textContent = story.title;
  story.about.split(/\n\s*\n/).filter(p => p.trim()).forEach(p => $("about").append(html("p", {}, p)));
  paint(matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  buildCards();
  buildFoot();
  buildTools();
  look(...interesting());
})();
