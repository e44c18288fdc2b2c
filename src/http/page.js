/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The dashboard: asks for the groups every two seconds and at every event, and
 * draws them. All texts that come from the network are put in as text, never as
 * markup: a server may call itself what it likes.
 */
'use strict';

const LAG_LIMIT_MS = 500;
const MEMORY_LIMIT = 0.85;
const HIT_RATE_LIMIT = 0.75;
const POLL_MS = 2000;
const EVENTS_MAX = 300;
const PHASES = ['silence', 'agreement', 'election', 'selection', 'promotion', 'replicas'];
const SVG = 'http://www.w3.org/2000/svg';

const byId = (id) => document.getElementById(id);

/* make('li', {class: 'good'}, child or text, ...) */
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

function draw(tag, attributes, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/* Numbers ------------------------------------------------------------------- */

function bytes(count) {
  if (count === null) return 'unknown';
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  while (count >= 1000 && unit < units.length - 1) { count /= 1000; unit++; }
  return `${count < 10 && unit > 0 ? count.toFixed(1) : Math.round(count)} ${units[unit]}`;
}

function duration(ms) {
  if (ms === null) return 'never';
  if (ms < 10) return `${Number(ms).toFixed(1)} ms`;
  if (ms < 10000) return `${Math.round(ms)} ms`;
  if (ms < 120000) return `${Math.round(ms / 1000)} s`;
  if (ms < 7200000) return `${Math.round(ms / 60000)} min`;
  return `${Math.round(ms / 3600000)} h`;
}

const percent = (share) => (share === null ? 'unknown' : `${(share * 100).toFixed(1)} %`);
const clock = (ms) => new Date(ms).toLocaleTimeString([], { hour12: false });
const date = (ms) => new Date(ms).toLocaleString([], { hour12: false });

/* Alerts: what the page itself can see ------------------------------------------ */

/* What rules of the configuration tell comes first; thresholds are theirs then. */
function findAlerts(self, groups, failovers, rules, now) {
  const ruled = rules.alerts;
  const found = ruled.filter((alert) => alert.state === 'firing').map((alert) => ({
    level: { critical: 'bad', warning: 'warn', info: 'note' }[alert.severity],
    text: `${alert.rule}: ${alert.text}`,
    since: `since ${date(alert.since_ms)}${alert.told.length > 0 ? ` · told to ${alert.told.join(', ')}` : ''}`,
  }));
  const say = (level, text) => found.push({ level, text });
  for (const alert of ruled) if (alert.state === 'pending') say('note', `${alert.rule} (pending): ${alert.text}`);
  if (self.mute) say('bad', `This vedette cannot save its state and gives no votes: ${self.mute_reason}`);
  if (self.abstains) say('warn', 'This vedette was started without its state and gives no votes yet');
  for (const group of groups) {
    if (!group.can_act) say('bad', `${group.name}: no failover is possible, ${group.sentinels_usable} of ${group.sentinels} sentinels are within reach (quorum ${group.quorum}, majority ${group.majority})`);
    if (group.paused_ms > 0) say('note', `${group.name}: in maintenance for ${duration(group.paused_ms)} more: watched, not acted on`);
    if (group.fenced) say('bad', `${group.name}: the writes of its primary are held back, for it is cut off`);
    if (group.failover_in_progress) say('warn', `${group.name}: a failover is under way (${group.failover_state})`);
    for (const node of group.nodes) {
      if (!node.up) say('bad', `${group.name}: ${node.role} ${node.node} is ${node.s_down ? 'down' : node.health}`);
      if (node.up && node.role === 'replica' && !node.link_up) say('warn', `${group.name}: replica ${node.node} is not connected to its primary`);
      if (rules.configured) continue;
      if (node.lag_ms > LAG_LIMIT_MS) say('warn', `${group.name}: replica ${node.node} is ${duration(node.lag_ms)} behind`);
      const load = node.load;
      if (load && load.memory_max_bytes > 0 && load.memory_bytes > MEMORY_LIMIT * load.memory_max_bytes) say('warn', `${group.name}: ${node.node} uses ${percent(load.memory_bytes / load.memory_max_bytes)} of its memory`);
      if (load && load.hit_rate !== null && load.hits + load.misses > 10000 && load.hit_rate < HIT_RATE_LIMIT) say('warn', `${group.name}: hit rate of ${node.node} is ${percent(load.hit_rate)}`);
    }
  }
  const recent = failovers.filter((failover) => now - failover.at_ms < 86400000);
  if (recent.length > 0) say('warn', `${recent.length} failover${recent.length > 1 ? 's' : ''} in the last 24 hours`);
  return found;
}

function showAlerts(alerts) {
  const list = byId('alerts');
  const items = alerts.map((alert) => make('li', { class: alert.level }, alert.text,
    alert.since ? make('div', { class: 'since' }, alert.since) : null));
  if (items.length === 0) items.push(make('li', { class: 'good' }, 'Nothing: all is well.'));
  /* Only changes are read aloud. */
  if (list.textContent !== items.map((item) => item.textContent).join('')) list.replaceChildren(...items);
}

/* Groups ------------------------------------------------------------------------ */

function badge(level, text) { return make('span', { class: `badge ${level}` }, text); }

function fact(list, name, value) {
  list.append(make('div', {}, make('dt', {}, name), make('dd', {}, value)));
}

function sparkline(node) {
  const samples = node.lag_history_ms || [];
  if (samples.filter((sample) => sample !== null).length < 2) return null;
  const top = Math.max(LAG_LIMIT_MS * 1.1, ...samples.map((sample) => sample || 0));
  const width = Math.max(samples.length - 1, 1);
  let path = '';
  let open = false;
  samples.forEach((sample, i) => {
    if (sample === null) { open = false; return; }
    path += `${open ? 'L' : 'M'}${i} ${(20 - (sample / top) * 19).toFixed(2)}`;
    open = true;
  });
  const limit = 20 - (LAG_LIMIT_MS / top) * 19;
  const last = samples[samples.length - 1];
  return draw('svg', { class: 'spark', viewBox: `0 0 ${width} 20`, preserveAspectRatio: 'none', role: 'img',
    'aria-label': `lag of the last ${duration(samples.length * node.lag_history_step_s * 1000)}, now ${last === null ? 'unknown' : duration(last)}` },
    draw('line', { class: 'limit', x1: 0, x2: width, y1: limit, y2: limit }),
    draw('path', { class: 'line', d: path }));
}

function memoryMeter(load) {
  if (!load || !(load.memory_max_bytes > 0) || load.memory_bytes === null) return null;
  const share = Math.min(load.memory_bytes / load.memory_max_bytes, 1);
  const level = share > MEMORY_LIMIT ? 'bad' : share > 0.7 ? 'warn' : 'good';
  return make('div', { class: 'meter', role: 'img', 'aria-label': `memory ${percent(share)}` },
    draw('svg', { viewBox: '0 0 100 1', preserveAspectRatio: 'none' },
      draw('rect', { class: `m-${level}`, width: share * 100, height: 1 })));
}

function nodeState(node) {
  if (node.o_down) return ['bad', 'down, agreed'];
  if (node.s_down) return ['bad', 'down'];
  if (!node.up) return ['bad', node.health === 'up' ? 'no link' : node.health];
  if (node.role === 'replica' && !node.link_up) return ['warn', 'not linked'];
  return ['good', node.health];
}

function nodeCard(node) {
  const [level, word] = nodeState(node);
  const load = node.load;
  const rates = node.rates;
  const list = make('dl', {});
  const put = (name, value) => list.append(make('dt', {}, name), make('dd', {}, value));
  if (node.role === 'replica') {
    put('lag', node.lag_ms === null ? 'unknown' : duration(node.lag_ms));
    put('behind', node.lag_bytes === null ? 'unknown' : bytes(node.lag_bytes));
  }
  if (load) {
    put('memory', load.memory_max_bytes > 0 ? `${bytes(load.memory_bytes)} of ${bytes(load.memory_max_bytes)}` : bytes(load.memory_bytes));
    put('commands', load.ops_per_s === null ? 'unknown' : `${load.ops_per_s}/s`);
    put('hit rate', percent(rates && rates.hit_rate !== null ? rates.hit_rate : load.hit_rate));
    put('clients', load.clients === null ? 'unknown' : String(load.clients));
  }
  if (rates) {
    put('CPU', percent(rates.cpu));
    put('network', `${bytes(rates.net_in_bytes_per_s)}/s in, ${bytes(rates.net_out_bytes_per_s)}/s out`);
    if (rates.evictions_per_s > 0) put('evictions', `${rates.evictions_per_s.toFixed(1)}/s`);
  }
  put('keys', node.keys === null ? 'unknown' : String(node.keys));
  return make('article', { class: `node${level === 'bad' ? ' is-bad' : ''}`, 'aria-label': `${node.role} ${node.node}` },
    make('div', { class: 'head' },
      make('div', {}, make('div', { class: 'name' }, node.node),
        make('div', { class: 'quiet' }, `${node.role}${load && load.version ? ` · ${load.kind} ${load.version}` : ''}`)),
      badge(level, word)),
    list, memoryMeter(load), node.role === 'replica' ? sparkline(node) : null);
}

/* From the primary to each replica beneath it, as the grid will place them. */
function wires(count) {
  const svg = draw('svg', { class: 'wires', viewBox: '0 0 100 10', preserveAspectRatio: 'none', 'aria-hidden': 'true' });
  for (let i = 0; i < count && i < 4; i++) {
    const x = ((i + 0.5) * 100) / Math.min(count, 4);
    svg.append(draw('path', { d: `M50 0 C50 6 ${x} 4 ${x} 10`, 'vector-effect': 'non-scaling-stroke' }));
  }
  return svg;
}

function groupCard(group) {
  const primaries = group.nodes.filter((node) => node.role === 'primary');
  const replicas = group.nodes.filter((node) => node.role === 'replica');
  const facts = make('dl', { class: 'facts' });
  fact(facts, 'quorum', `${group.sentinels_usable} of ${group.sentinels} sentinels, ${group.quorum} needed, majority ${group.majority}`);
  fact(facts, 'epoch', String(group.config_epoch));
  fact(facts, 'switches', `${group.switches}${group.switches > 0 ? `, last ${duration(group.last_switch_ms)} ago` : ''}`);
  fact(facts, 'down after', duration(group.down_after_ms));
  fact(facts, 'led here in 24 h', String(group.failovers_last_day));
  if (group.role_changes > 0) fact(facts, 'role changes', String(group.role_changes));
  if (group.reboots > 0) fact(facts, 'restarts', String(group.reboots));
  const peers = make('ul', { class: 'peers', 'aria-label': 'sentinels' },
    make('li', {}, badge('good', 'this vedette')),
    ...group.peers.map((peer) => make('li', {}, badge(peer.up ? 'good' : 'bad',
      `${peer.peer}${peer.round_trip_ms === null ? '' : ` · ${duration(peer.round_trip_ms)}`}${peer.up ? '' : ' · down'}`))));
  return make('article', { class: 'group', 'aria-label': `group ${group.name}` },
    make('div', { class: 'head' }, make('h3', {}, group.name),
      group.failover_in_progress ? badge('warn', `failing over: ${group.failover_state}`) : null,
      group.paused_ms > 0 ? badge('warn', 'paused') : null,
      badge(group.can_act ? 'good' : 'bad', group.can_act ? 'can fail over' : 'cannot fail over')),
    facts,
    make('div', { class: 'topology' },
      make('div', { class: 'primaries' }, ...primaries.map(nodeCard)),
      replicas.length > 0 ? wires(replicas.length) : null,
      make('div', { class: 'nodes' }, ...replicas.map(nodeCard))),
    peers);
}

/* Cost and this process ---------------------------------------------------------- */

function money(currency, amount) {
  return `${currency}${currency.length > 1 ? ' ' : ''}${amount < 1 ? amount.toFixed(3) : amount.toFixed(2)}`;
}

function budgetBar(bill) {
  const share = Math.min(bill.budget_share, 1);
  const level = bill.budget_share > 1 ? 'bad' : bill.budget_share > 0.8 ? 'warn' : 'good';
  return make('div', { class: 'meter', role: 'img', 'aria-label': `${percent(bill.budget_share)} of the budget` },
    draw('svg', { viewBox: '0 0 100 1', preserveAspectRatio: 'none' },
      draw('rect', { class: `m-${level}`, width: share * 100, height: 1 })));
}

function showCost(bill) {
  byId('cost').hidden = !bill.configured;
  if (!bill.configured) return;
  const price = (amount) => money(bill.currency, amount);
  byId('cost-sum').replaceChildren(make('strong', {}, price(bill.per_month)),
    ` a month as it goes now, ${price(bill.per_day)} a day`,
    bill.budget_per_month === null ? '' : `: ${percent(bill.budget_share)} of the budget of ${price(bill.budget_per_month)}`);
  byId('cost-budget').replaceChildren(...(bill.budget_share === null ? [] : [budgetBar(bill)]));
  byId('services').tBodies[0].replaceChildren(...bill.services.map((one) => make('tr', {},
    make('td', {}, one.service, make('div', { class: 'quiet' }, `${one.kind}${one.group ? ` of ${one.group}` : ''}${one.estimated ? ', as this one' : ''}`)),
    ...(one.observed_s > 0
      ? [bytes(one.memory_bytes), percent(one.vcpu), bytes(one.egress_bytes_per_day), price(one.per_day), price(one.per_month)]
      : ['', '', '', '', 'not known yet']).map((text) => make('td', {}, text)))));
}

function showOwn(self, alerts) {
  const list = byId('own');
  list.replaceChildren();
  const times = (spans) => (spans.count === 0 ? 'none yet' : `${duration(spans.p50)} typical, ${duration(spans.p99)} at 99 %, ${duration(spans.max)} longest`);
  fact(list, 'loop late by', times(self.loop_late_ms));
  fact(list, 'state saved in', times(self.save_ms));
  fact(list, 'names found in', times(self.lookup_ms));
  fact(list, 'clients', String(self.clients));
  fact(list, 'stalls', String(self.stalls));
  if (alerts.configured) fact(list, 'alerts', alerts.sender ? 'told by this vedette' : 'told by another vedette');
  for (const channel of alerts.channels || []) fact(list, `channel ${channel.name}`, `${channel.delivered} delivered, ${channel.failed} failed tries`);
}

/* Failovers and events --------------------------------------------------------------- */

function phaseBar(failover, longest) {
  const bar = draw('svg', { class: 'bar', viewBox: '0 0 1000 10', preserveAspectRatio: 'none', role: 'img',
    'aria-label': PHASES.filter((phase) => failover.phases_ms[phase] !== null).map((phase) => `${phase} ${duration(failover.phases_ms[phase])}`).join(', ') });
  let x = 0;
  for (const phase of PHASES) {
    const ms = failover.phases_ms[phase];
    if (ms === null) continue;
    const width = Math.max((ms / longest) * 1000, 3);
    bar.append(draw('rect', { class: `p-${phase}`, x, width, height: 10 }, draw('title', {}, `${phase} ${duration(ms)}`)));
    x += width;
  }
  return bar;
}

function showFailovers(failovers) {
  const sum = (failover) => PHASES.reduce((total, phase) => total + (failover.phases_ms[phase] || 0), 0);
  const longest = Math.max(1, ...failovers.map(sum)) * 1.02;
  const rows = failovers.slice(0, 20).map((failover) => make('div', { class: 'failover' },
    make('div', { class: 'head' },
      make('strong', {}, failover.group), make('span', {}, date(failover.at_ms)),
      make('span', {}, `${failover.from || 'nobody'} → ${failover.to || 'nobody'}`),
      make('span', {}, `${failover.reason}: ${failover.result}`),
      make('span', {}, failover.total_ms === null ? (failover.source === 'seen' ? '' : 'not promoted') : `${duration(failover.total_ms)} to promotion`),
      failover.source === 'led' ? null : make('span', { class: 'source' }, failover.source === 'told' ? 'told by its leader' : 'seen from here'),
      failover.loss_bytes === null ? null : make('span', {}, `at most ${bytes(failover.loss_bytes)} lost`)),
    phaseBar(failover, longest)));
  if (rows.length === 0) rows.push(make('p', { class: 'empty' }, 'None that this vedette knows of.'));
  byId('failovers').replaceChildren(...rows);
}

function showLegend() {
  byId('legend').replaceChildren(...PHASES.map((phase) => make('span', {},
    draw('svg', { viewBox: '0 0 10 10', 'aria-hidden': 'true' }, draw('rect', { class: `p-${phase}`, width: 10, height: 10, rx: 2 })), phase)));
}

let lastEvent = 0;

function matches(row) {
  const wanted = byId('filter').value.toLowerCase();
  return wanted === '' || row.textContent.toLowerCase().includes(wanted);
}

function addEvent(event) {
  if (event.id <= lastEvent) return;
  lastEvent = event.id;
  const rows = byId('events').tBodies[0];
  const row = make('tr', { class: event.level }, make('td', {}, clock(event.at_ms)),
    make('td', {}, event.event), make('td', {}, event.text));
  row.hidden = !matches(row);
  rows.prepend(row);
  while (rows.rows.length > EVENTS_MAX) rows.lastElementChild.remove();
}

/* Life ------------------------------------------------------------------------------ */

async function ask(path) {
  const reply = await fetch(path, { cache: 'no-store' });
  if (!reply.ok) throw new Error(`${path}: ${reply.status}`);
  return reply.json();
}

function showLive(level, text) {
  const live = byId('live');
  if (live.textContent === text) return;
  live.className = `badge ${level}`;
  live.textContent = text;
}

let asking = false;
let again = false;

async function refresh() {
  if (asking) { again = true; return; }
  asking = true;
  try {
    const [self, groups, failovers, alerts, bill] = await Promise.all(
      ['self', 'groups?limit=50', 'failovers', 'alerts?limit=1000', 'cost'].map((page) => ask(`api/v1/${page}`)));
    byId('self').textContent = `${self.version} · ${self.id.slice(0, 8)} · up ${duration(self.now_ms - self.started_at_ms)} · ${groups.total} group${groups.total === 1 ? '' : 's'}`;
    showAlerts(findAlerts(self, groups.groups, failovers.failovers, alerts, self.now_ms));
    showCost(bill);
    showOwn(self, alerts);
    byId('groups').replaceChildren(...groups.groups.map(groupCard));
    byId('more').hidden = groups.total <= groups.groups.length;
    byId('more').textContent = `The first ${groups.groups.length} of ${groups.total}.`;
    showFailovers(failovers.failovers);
    showLive('good', 'live');
    document.title = `vedette · ${groups.groups.every((group) => group.can_act) ? 'well' : 'look'}`;
  } catch (error) {
    showLive('bad', 'no answer');
    byId('self').textContent = String(error.message || error);
  }
  asking = false;
  if (again) { again = false; refresh(); }
}

function listen() {
  const seen = lastEvent;
  const stream = new EventSource(`events?after=${seen}`);
  /* It begins behind what was seen; a vedette that was started anew counts from 1 again. */
  stream.onopen = () => { lastEvent = 0; };
  /* Of itself it tries again what broke off, but not what was refused: too many listen, or the token is another. */
  stream.onerror = () => {
    if (stream.readyState !== EventSource.CLOSED) return;
    lastEvent = lastEvent || seen;
    setTimeout(listen, POLL_MS);
  };
  stream.onmessage = (message) => { addEvent(JSON.parse(message.data)); refresh(); };
}

async function start() {
  showLegend();
  byId('filter').addEventListener('input', () => {
    for (const row of byId('events').tBodies[0].rows) row.hidden = !matches(row);
  });
  await refresh();
  try {
    const total = (await ask('api/v1/events?limit=0')).total;
    const page = await ask(`api/v1/events?limit=${EVENTS_MAX}&offset=${Math.max(0, total - EVENTS_MAX)}`);
    page.events.forEach(addEvent);
  } catch (error) { /* the badge tells */ }
  listen();
  setInterval(refresh, POLL_MS);
}

start();
