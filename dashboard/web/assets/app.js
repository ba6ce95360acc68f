// Pages are complete without this script. It never touches a field that has the focus.
'use strict';

const policy = window.trustedTypes
  ? trustedTypes.createPolicy('crosslink', { createHTML: text => text })
  : { createHTML: text => text };

// parse returns an inert document: nothing in it loads or runs.
const parse = text => new DOMParser().parseFromString(policy.createHTML(text), 'text/html');

const byId = id => document.getElementById(id);
const first = selector => document.querySelector(selector);
const select = selector => document.querySelectorAll(selector);
const focused = () => document.activeElement;
const on = (kind, does) => document.addEventListener(kind, does);
document.documentElement.classList.add('js');

// The path below which the dashboard is served, "" for none.
const root = first('.mark').pathname.replace(/\/$/, '');

/* --- replacing what has changed --- */

const keyOf = node => node.nodeType === 1 ? node.getAttribute('data-key') || node.id || '' : '';

// A form that was sent may go, with the focus in it; that then goes to the page.
let sent = null;

const busy = node => node !== sent && node.contains(focused()) && focused() !== document.body;

function morph(old, next) {
  if (old.isEqualNode(next)) return;
  if (old.nodeType !== next.nodeType || old.nodeName !== next.nodeName) {
    old.replaceWith(document.importNode(next, true));
    return;
  }
  if (old.nodeType !== 1) { old.nodeValue = next.nodeValue; return; }
  if (old.hasAttribute('data-keep')) return;
  for (const a of [...old.attributes]) {
    if (!next.hasAttribute(a.name) && a.name !== 'open') old.removeAttribute(a.name);
  }
  const own = ['at', 'held', 'unseen'].filter(c => old.classList.contains(c)); // ours, not the server's
  for (const a of next.attributes) {
    if (old.getAttribute(a.name) !== a.value) old.setAttribute(a.name, a.value);
  }
  old.classList.add(...own);
  morphChildren(old, next);
}

function morphChildren(old, next) {
  const keyed = new Map();
  for (const c of old.childNodes) if (keyOf(c)) keyed.set(keyOf(c), c);
  let at = old.firstChild;
  for (const want of [...next.childNodes]) {
    const key = keyOf(want);
    let have = key ? keyed.get(key) : null;
    if (!have && !key) {
      have = at;
      while (have && (keyOf(have) || have.nodeName !== want.nodeName)) have = have.nextSibling;
    }
    if (!have) {
      const made = document.importNode(want, true);
      if (made.nodeType === 1) made.classList.add('fresh', ...hold(made, old));
      old.insertBefore(made, at);
      continue;
    }
    if (key) keyed.delete(key);
    if (have !== at && !busy(have)) old.insertBefore(have, at);
    const after = have === at || busy(have) ? have.nextSibling : at;
    morph(have, want);
    at = after;
  }
  while (at) {
    const gone = at;
    at = at.nextSibling;
    if (!(gone.nodeType === 1 && busy(gone))) gone.remove();
  }
}

let running = null, again = false, tag = '';

// refresh asks for this page anew and puts in what has changed.
async function refresh() {
  if (running) { again = true; return running; }
  running = (async () => {
    do {
      again = false;
      const answer = await fetch(location.href, { headers: { Accept: 'text/vnd.crosslink.fragment', 'If-None-Match': tag } });
      if (answer.status === 304) continue;
      tag = answer.headers.get('ETag') || '';
      if (answer.status === 401) { location.replace(root + '/login'); return; }
      const page = parse(await answer.text());
      for (const id of ['switch', 'status', 'rail', 'main']) {
        const next = page.getElementById(id);
        if (next && byId(id)) morph(byId(id), next);
      }
      document.title = page.title;
      times();
      showHeld();
    } while (again);
  })();
  try { await running; } catch { state('lost'); } finally { running = null; }
}

/* --- new rows --- */

// A new row in a list that somebody has scrolled would move what is being read: it is
// held back until the top is in sight, or somebody asks for it.
let paused = false;
const scrolled = () => paused || scrollY > 120;
const hold = (row, list) => scrolled() && row.dataset.key && list.firstElementChild && row.matches('li, tr') && !busy(row) ? ['held'] : [];

function showHeld() {
  const all = select('.held'), bar = byId('held');
  if (!bar) return;
  if (!scrolled()) all.forEach(r => r.classList.remove('held'));
  bar.hidden = !scrolled() || !all.length;
  bar.textContent = all.length + ' new ↑';
  following();
}

// A log is followed until somebody scrolls down or switches that off.
function following() {
  const b = byId('follow');
  if (b) Object.assign(b, { hidden: false, ariaPressed: !scrolled() });
}

on('click', event => {
  if (event.target.id !== 'follow') return;
  paused = !scrolled();
  if (!paused) scrollTo(0, 0);
  showHeld();
});

addEventListener('scroll', showHeld, { passive: true });
byId('held')?.addEventListener('click', () => { paused = false; scrollTo(0, 0); showHeld(); byId('main').focus({ preventScroll: true }); });

/* --- copying, and an issue beside its list --- */

on('click', async event => {
  const b = event.target.closest('.copy');
  if (!b) return;
  try { await navigator.clipboard.writeText(b.parentNode.querySelector('code').textContent); b.textContent = 'Copied'; } catch { b.textContent = 'Not allowed'; }
  setTimeout(() => { b.textContent = 'Copy'; }, 2000);
});

async function peek() {
  const panel = byId('peek'), link = first('.row.at .what a, .rows .at .what a, .cards .at a');
  if (panel.open) { panel.close(); return; }
  if (!link || !/\/i\/[^/]+$/.test(link.pathname)) return;
  const answer = await fetch(link.href, { headers: { Accept: 'text/vnd.crosslink.fragment' } });
  const page = parse(await answer.text()).getElementById('main');
  page.querySelectorAll('form, details, .tabs, .project-name').forEach(n => n.remove());
  page.querySelectorAll('dd').forEach(n => { if (!n.textContent.trim()) { n.previousElementSibling?.remove(); n.remove(); } });
  page.querySelectorAll('[id]').forEach(n => n.removeAttribute('id'));
  const close = Object.assign(document.createElement('button'), { textContent: 'Close', onclick: () => panel.close() });
  panel.replaceChildren(close, ...page.childNodes);
  panel.show();
  times();
  panel.onclose = () => link.focus();
  panel.focus();
}

/* --- since the last visit --- */

// What is newer than the last visit to an issue begins with a line.
function unseen() {
  const entries = [...byId('stream')?.children || []], key = 'seen' + root;
  if (!entries.length) return;
  const seen = new Map(JSON.parse(localStorage.getItem(key) || '[]')), last = seen.get(location.pathname);
  if (last) entries.find(e => Date.parse(e.querySelector('time')?.dateTime) > last)?.classList.add('unseen');
  seen.delete(location.pathname);
  seen.set(location.pathname, Date.now());
  localStorage.setItem(key, JSON.stringify([...seen].slice(-500)));
}

/* --- times --- */

function span(s) {
  if (s < 60) return Math.floor(s) + ' s';
  if (s < 3600) return Math.floor(s / 60) + ' min';
  if (s < 172800) return Math.floor(s / 3600) + ' h';
  return Math.floor(s / 86400) + ' d';
}

function times() {
  const now = Date.now();
  for (const t of select('time[datetime]')) {
    const s = (now - Date.parse(t.dateTime)) / 1000;
    const text = s < 0 ? 'in ' + span(-s) : s < 5 ? 'just now' : span(s) + ' ago';
    if (t.textContent !== text) t.textContent = text;
    const exact = document.body.dataset.zone ? t.title : new Date(t.dateTime).toLocaleString();
    if (t.title !== exact) t.title = exact;
  }
}

/* --- menus --- */

function shut(target) {
  for (const m of select('.menu[open]')) {
    if (m.contains(target)) continue;
    if (m.contains(focused())) m.firstElementChild.focus();
    m.open = false;
  }
}

on('click', event => shut(event.target));

/* --- the stream --- */

const live = () => byId('live');

function state(what) {
  if (!live()) return;
  live().ariaLive = what === 'lost' ? 'assertive' : 'off';
  live().dataset.state = what;
  live().textContent = what === 'lost' ? 'offline, retrying' : 'live';
}

const kinds = ['project_updated', 'projects_changed', 'alerts_changed', 'silences_changed', 'settings_changed', 'webhooks_changed', 'views_changed', 'reset', 'gap'];
const topics = document.body.dataset.topics.split(',').filter(Boolean);
let cursor = +document.body.dataset.cursor || 0; // of the newest event that this page knows

// hear takes what the stream says. What happened before the stream began, and
// after the page was made, is seen by the cursor.
function hear(e) {
  if (!topics.length || e.kind === 'ask') return;
  if (e.state) {
    const back = live()?.dataset.state === 'lost' && e.state === 'on';
    state(e.state);
    if (back || e.cursor > cursor) refresh();
    cursor = Math.max(cursor, e.cursor);
    return;
  }
  cursor = Math.max(cursor, e.cursor);
  if (['reset', 'gap'].includes(e.kind) || topics.includes('all') || topics.includes(e.kind) || topics.includes('p:' + e.project)) refresh();
  if (e.kind === 'alerts_changed') notify();
}

// A browser opens no more than six connections to one server, so one of its tabs holds
// the stream and tells the others; when it goes, the next one does.
function listen() {
  if (!topics.length) return;
  if (!navigator.locks || !window.BroadcastChannel) { lead(hear); return; }
  const channel = new BroadcastChannel('crosslink' + root);
  channel.onmessage = m => hear(m.data);
  channel.postMessage({ kind: 'ask' });
  navigator.locks.request('stream' + root, () => new Promise(() => {
    const now = lead(e => { hear(e); channel.postMessage(e); });
    channel.onmessage = m => { if (m.data.kind === 'ask') channel.postMessage(now()); };
  }));
}

function lead(tell) {
  const source = new EventSource(root + '/events?topics=all'), now = { kind: 'state', state: '', cursor: 0 };
  const be = what => { now.state = what; tell({ ...now }); };
  source.addEventListener('hello', e => { now.cursor = Math.max(now.cursor, +e.lastEventId); be('on'); });
  source.onerror = () => be('lost');
  for (const kind of kinds) {
    source.addEventListener(kind, e => {
      now.cursor = Math.max(now.cursor, +e.lastEventId);
      tell({ kind, cursor: now.cursor, project: JSON.parse(e.data).project });
    });
  }
  addEventListener('pagehide', () => source.close());
  return () => ({ ...now });
}

/* --- forms --- */

on('submit', async event => {
  const form = event.target;
  if (!form.matches('form[data-live]') || event.submitter?.hasAttribute('data-plain')) return;
  event.preventDefault();
  const answer = form.querySelector('.answer'), buttons = form.querySelectorAll('button');
  const body = new URLSearchParams(new FormData(form, event.submitter)), card = form.dataset.card;
  const action = event.submitter && event.submitter.hasAttribute('formaction') ? event.submitter.formAction : form.action;
  const say = (text, bad) => { answer.textContent = text; answer.classList.toggle('bad', !!bad); };
  buttons.forEach(b => { b.disabled = true; });
  say('sending…');
  try {
    const got = await fetch(action, { method: 'POST', body, headers: { Accept: 'application/json' } });
    const doc = await got.json();
    if (doc.request) {
      for (const i of select('input[name=request]')) i.value = doc.request;
    }
    if (doc.ok) {
      say(doc.data && doc.data.sync ? doc.data.sync : 'done');
      if (form === undoBar()) hideUndo(3000); else offerUndo(doc.data?.undo);
      form.querySelectorAll('textarea, input[type=text]').forEach(f => { f.value = f.defaultValue; forget(f); });
      sent = form;
      await refresh();
      sent = null;
      if (card) first(`.cards [data-key="${card}"] a`)?.focus();
      if (!form.isConnected && focused() === document.body) byId('main').focus();
    } else {
      say('error: ' + doc.error.message, true);
      for (const h of doc.error.hints) {
        const line = document.createElement('span'), code = document.createElement('code'), b = document.createElement('button');
        Object.assign(b, { type: 'button', className: 'quiet copy', textContent: 'Copy' });
        const from = h.search(/\bgit /);
        code.textContent = from < 0 ? '' : h.slice(from);
        line.append('\nhint: ' + (from < 0 ? h : h.slice(0, from)), code);
        if (from >= 0) line.append(' ', b);
        answer.append(line);
      }
    }
  } catch {
    say('error: the dashboard does not answer; what you typed is kept', true);
  }
  buttons.forEach(b => { b.disabled = false; });
});

/* --- undo --- */

// What one action did can be undone for ten seconds, or for as long as the
// pointer or the focus is on the bar.
const undoBar = () => byId('undo');
let fade = 0;

function offerUndo(undo) {
  const bar = undoBar();
  if (!bar || !undo) return;
  bar.action = root + undo.path;
  bar.querySelector('b').textContent = undo.did;
  bar.querySelector('.answer').textContent = '';
  bar.querySelectorAll('[data-field]').forEach(f => f.remove());
  for (const [name, values] of Object.entries(undo.fields)) {
    for (const value of values) {
      const f = Object.assign(document.createElement('input'), { type: 'hidden', name, value });
      f.dataset.field = '';
      bar.append(f);
    }
  }
  bar.hidden = false;
  hideUndo(10000);
}

function hideUndo(after) {
  clearTimeout(fade);
  fade = setTimeout(() => {
    const bar = undoBar();
    if (after === 10000 && bar.matches(':hover, :focus-within')) { hideUndo(after); return; }
    if (bar.contains(focused())) byId('main').focus();
    bar.hidden = true;
  }, after);
}

/* --- moving cards --- */

// A card is moved by the one verb that the column takes and the card has.
const verbOf = (card, column) => column.dataset.verbs.split(' ').find(v => v && card.dataset.moves.split(' ').includes(v));
const columnsFor = card => [...select('[data-verbs]')].filter(c => !c.contains(card) && verbOf(card, c));
const does = { close: 'closes the issue', reopen: 'reopens the issue', claim: 'claims the lock', release: 'releases the lock', label: 'adds the label', assign: 'assigns the issue' };

function move(card, column) {
  const form = byId('move-form'), value = byId('move-value');
  form.action = form.dataset.base + card.dataset.key + '/' + verbOf(card, column);
  form.dataset.card = card.dataset.key;
  value.name = column.dataset.field;
  value.value = column.dataset.value;
  form.requestSubmit();
}

function openMove(card) {
  const dialog = byId('move');
  dialog.querySelector('h2').textContent = 'Move ' + card.querySelector('a').textContent;
  const all = columnsFor(card).map(column => {
    const li = document.createElement('li'), b = document.createElement('button'), verb = verbOf(card, column);
    b.type = 'button';
    b.textContent = 'to ' + column.getAttribute('aria-label').replace(/ in 7 days$/, '') + (does[verb] ? ' (' + does[verb] + ')' : '');
    b.addEventListener('click', () => { dialog.close(); move(card, column); });
    li.append(b);
    return li;
  });
  dialog.querySelector('ul').replaceChildren(...all);
  dialog.querySelector('p').hidden = all.length > 0;
  dialog.showModal();
}

let dragged = null;
const over = column => select('[data-verbs]').forEach(c => c.classList.toggle('over', c === column));

on('click', event => { if (event.target.matches('.move')) openMove(event.target.closest('[data-moves]')); });
on('dragstart', event => {
  dragged = event.target.closest?.('[data-moves]');
  if (!dragged) return;
  event.dataTransfer.effectAllowed = 'move';
  columnsFor(dragged).forEach(c => c.classList.add('takes'));
});
on('dragover', event => {
  const column = dragged && event.target.closest('.takes');
  over(column);
  if (column) event.preventDefault();
});
on('drop', event => {
  const column = dragged && event.target.closest('.takes');
  if (!column) return;
  event.preventDefault();
  move(dragged, column);
});
on('dragend', () => {
  dragged = null;
  select('[data-verbs]').forEach(c => c.classList.remove('takes', 'over'));
});

/* --- notifications --- */

// Of several tabs one notifies of alerts that fire, at most every ten seconds.
const ranks = ['info', 'warning', 'critical'], tones = { info: 440, warning: 587, critical: 784 };
let told = 0, telling = 0;

function notify(quietly) {
  const from = ranks.indexOf(document.body.dataset.notify), tone = ranks.indexOf(document.body.dataset.tone);
  if (from < 0 && tone < 0 || telling) return;
  telling = setTimeout(() => {
    const tell = () => tellAlerts(from, tone, quietly).catch(() => {}); // the page says that the dashboard does not answer
    telling = 0;
    told = Date.now();
    if (navigator.locks) navigator.locks.request('notify' + root, tell); else tell();
  }, Math.max(0, told + 10000 - Date.now()));
}

async function tellAlerts(from, tone, quietly) {
  const got = await fetch(root + '/alerts.json?state=unacknowledged', { headers: { Accept: 'application/json' } });
  const { data } = await got.json(), known = new Set(JSON.parse(localStorage.getItem('told' + root) || '[]'));
  const fresh = data.alerts.filter(a => !known.has(a.id));
  localStorage.setItem('told' + root, JSON.stringify(data.alerts.map(a => a.id)));
  if (quietly || !fresh.length) return;
  const at = least => least < 0 ? [] : fresh.filter(a => ranks.indexOf(a.severity) >= least);
  const shown = at(from), worst = Math.max(-1, ...at(tone).map(a => ranks.indexOf(a.severity)));
  if (shown.length && window.Notification && Notification.permission === 'granted') {
    const text = a => (a.now_detail || a.detail).replace(/[\p{C}\u2028\u2029]/gu, '\ufffd');
    const n = new Notification(shown.length === 1 ? shown[0].severity + ' in ' + shown[0].project_slug : shown.length + ' alerts', { body: shown.slice(0, 5).map(text).join('\n'), tag: 'crosslink' });
    n.onclick = () => { window.focus(); location.href = root + (shown.length === 1 ? '/alerts/' + shown[0].id : '/alerts'); };
  }
  if (worst >= 0) beep(tones[ranks[worst]]);
}

function beep(hertz) {
  const audio = new AudioContext(), o = audio.createOscillator(), g = audio.createGain();
  g.gain.value = 0.1;
  o.frequency.value = hertz;
  o.connect(g).connect(audio.destination);
  o.onended = () => audio.close();
  o.start();
  o.stop(audio.currentTime + 0.3);
}

function offerNotifications() {
  const ask = byId('allow');
  if (!ask || !window.Notification) return;
  ask.hidden = Notification.permission !== 'default' || !document.body.dataset.notify;
  ask.onclick = async () => { await Notification.requestPermission(); offerNotifications(); };
  byId('denied').hidden = Notification.permission !== 'denied' || !document.body.dataset.notify;
}

/* --- drafts --- */

// What is being typed outlives a reload.
const draftKey = field => 'draft ' + location.pathname + ' ' + field.name;
const forget = field => sessionStorage.removeItem(draftKey(field));
on('input', event => {
  const f = event.target;
  if (f.matches('textarea:not([data-draft=no])')) sessionStorage.setItem(draftKey(f), f.value);
});

/* --- keys --- */

// Keys are off in fields, with a modifier, and where somebody switched them off.
const fields = 'input, textarea, select, [contenteditable]';
const places = { i: '/', a: '/alerts', p: '/projects', l: '/activity', s: '/search', w: '/agents' };
let prefix = '';

const rows = () => [...select('#main .row, #main .rows > li')].filter(r => r.offsetParent);

function step(by) {
  const all = rows(), at = all.findIndex(r => r.classList.contains('at'));
  const next = all[Math.min(Math.max(at + by, 0), all.length - 1)];
  if (!next) return;
  all.forEach(r => r.classList.toggle('at', r === next));
  const link = next.querySelector('.what a, a');
  if (link) link.focus(); else next.scrollIntoView({ block: 'nearest' });
}

// opening unfolds a form of the issue's page and goes to its first field.
const opening = (id, field) => () => { const d = byId(id); if (d) { d.open = true; (byId(field) || d.querySelector('input:not([type=hidden]), select')).focus(); } };
const tab = by => { const all = [...select('.tabs a')], at = all.findIndex(a => a.ariaCurrent); all[at + by]?.click(); };
const mark = by => { keys.x(); step(by); };
const issue = () => first('#main h1 .nowrap');

const keys = {
  j: () => step(1),
  k: () => step(-1),
  J: () => mark(1),
  K: () => mark(-1),
  '[': () => tab(-1),
  ']': () => tab(1),
  l: opening('d-label'),
  a: opening('d-assign'),
  d: opening('d-due'),
  b: opening('d-connect'),
  p: opening('edit', 'priority'),
  m: () => { const b = focused().closest('[data-moves]')?.querySelector('.move'); if (b) b.click(); else opening('d-milestone')(); },
  y: () => issue() && navigator.clipboard.writeText(issue().textContent),
  Y: () => navigator.clipboard.writeText(location.href),
  Z: () => { if (undoBar() && !undoBar().hidden) undoBar().requestSubmit(); },
  x: () => first('.row.at input[type=checkbox]')?.click(),
  u: () => { const up = location.pathname.slice(root.length).replace(/\/[^/]*$/, ''); location.href = root + (up === '/p' || !up ? '/' : up); },
  '/': () => (byId('q') || byId('find'))?.focus(),
  c: () => byId('text')?.focus(),
  e: () => first('.at [formaction$="/inbox/done"], .at form[action$="/ack"] button, #close-form button, #reopen-form button')?.click(),
  n: () => { const d = byId('new'); if (d) { d.open = true; byId('title').focus(); } },
  r: () => refresh(),
  z: () => first('.at form[action$="/inbox/snooze"] [name=for]')?.click(),
  o: () => peek(),
  ':': () => openPalette(),
  '?': () => byId('help')?.showModal(),
};

on('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.body.dataset.keys === 'off') return;
  if (event.key === 'Escape' && byId('peek')?.open) { byId('peek').close(); return; }
  if (event.key === 'Escape') shut();
  if (event.key === 'Escape' && event.target.matches(fields)) { event.target.blur(); return; }
  if (event.target.matches(fields) && event.target.type !== 'checkbox') return;
  if (prefix === 'g') {
    prefix = '';
    if (places[event.key]) { location.href = root + places[event.key]; event.preventDefault(); return; }
  }
  if (event.key === 'g') { prefix = 'g'; return; }
  const node = event.target.closest('.node'), way = { ArrowRight: 'out', ArrowLeft: 'in' }[event.key];
  if (node && way && node.dataset[way]) { event.preventDefault(); byId('n-' + node.dataset[way].split(' ')[0]).focus(); return; }
  if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
});

/* --- palette --- */

// The palette offers what is on this page at once, then what the server finds.
const palette = () => byId('palette');

function choices(words) {
  const all = [...select('#rail a, .tabs a, .button[href], .links a')].map(a => [a.textContent.trim().replace(/\s+/g, ' '), a.href]);
  const keyed = new Map(all.map(([text, href]) => [href, text]));
  return [...keyed].filter(([, text]) => words.every(w => text.toLowerCase().includes(w))).slice(0, 8);
}

let asked = 0;

function list(found) {
  const ul = palette().querySelector('ul');
  ul.replaceChildren(...found.map(([href, text]) => {
    const li = document.createElement('li'), a = document.createElement('a');
    a.href = href;
    a.textContent = text;
    li.append(a);
    return li;
  }));
}

async function suggest(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean), mine = ++asked, here = choices(words);
  list(here);
  if (!words.length) return;
  try {
    const answer = await fetch(root + '/search.json?q=' + encodeURIComponent(text), { headers: { Accept: 'application/json' } });
    const doc = await answer.json();
    if (mine !== asked || !doc.ok) return;
    const hits = doc.data.hits.flatMap(h => h.issues.map(i => [root + '/p/' + h.project + '/i/' + (i.number || i.short), (i.number ? '#' + i.number : i.short) + ' ' + i.title + ' · ' + h.project]));
    list([...here, ...hits].slice(0, 12));
  } catch { /* what is on the page is offered all the same */ }
}

function openPalette() {
  if (!palette()) return;
  palette().showModal();
  byId('palette-words').value = '';
  list(choices([]));
}

on('keydown', event => {
  if (event.key === 'k' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); openPalette(); return; }
  if (!palette()?.open || !['ArrowDown', 'ArrowUp', 'Enter'].includes(event.key)) return;
  const all = [...palette().querySelectorAll('a')], at = all.indexOf(focused());
  if (event.key === 'Enter') { if (at < 0 && all.length) { event.preventDefault(); all[0].click(); } return; }
  event.preventDefault();
  (all[at + (event.key === 'ArrowDown' ? 1 : -1)] || byId('palette-words')).focus();
});

byId('palette-words')?.addEventListener('input', event => suggest(event.target.value));

/* --- login --- */

async function login() {
  const form = byId('login');
  if (!form || location.hash.length < 2) return;
  const code = location.hash.slice(1);
  history.replaceState(null, '', location.pathname); // the code is in no history
  form.elements.code.value = code;
  form.requestSubmit();
}

for (const f of select('textarea:not([data-draft=no])')) {
  const draft = sessionStorage.getItem(draftKey(f));
  if (draft) f.value = draft;
}
login();
offerNotifications();
unseen();
notify(!localStorage.getItem('told' + root));
times();
following();
setInterval(times, 10000);
listen();
