// Pages are complete without this script. It replaces what has changed, sends
// forms without leaving the page, and keeps relative times true. What somebody
// is typing, has selected or has the focus on is never touched.
'use strict';

const policy = window.trustedTypes
  ? trustedTypes.createPolicy('crosslink', { createHTML: text => text })
  : { createHTML: text => text };

// parse returns an inert document: nothing in it loads or runs.
const parse = text => new DOMParser().parseFromString(policy.createHTML(text), 'text/html');

const byId = id => document.getElementById(id);

/* --- replacing what has changed --- */

const keyOf = node => node.nodeType === 1 ? node.getAttribute('data-key') || node.id || '' : '';

// A form that was sent may go, with the focus in it; that then goes to the page.
let sent = null;

const busy = node => node !== sent && node.contains(document.activeElement) && document.activeElement !== document.body;

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
  const at = old.classList.contains('at');
  for (const a of next.attributes) {
    if (old.getAttribute(a.name) !== a.value) old.setAttribute(a.name, a.value);
  }
  if (at) old.classList.add('at');
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
      if (made.nodeType === 1) made.classList.add('fresh');
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

let running = null, again = false;

// refresh asks for this page anew and puts in what has changed.
async function refresh() {
  if (running) { again = true; return running; }
  running = (async () => {
    do {
      again = false;
      const answer = await fetch(location.href, { headers: { Accept: 'text/vnd.crosslink.fragment' } });
      if (answer.status === 401) { location.replace('/login'); return; }
      const page = parse(await answer.text());
      for (const id of ['status', 'rail', 'main']) {
        const next = page.getElementById(id);
        if (next && byId(id)) morph(byId(id), next);
      }
      document.title = page.title;
      times();
    } while (again);
  })();
  try { await running; } catch { state('lost'); } finally { running = null; }
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
  for (const t of document.querySelectorAll('time[datetime]')) {
    const s = (now - Date.parse(t.dateTime)) / 1000;
    const text = s < 0 ? 'in ' + span(-s) : s < 5 ? 'just now' : span(s) + ' ago';
    if (t.textContent !== text) t.textContent = text;
    const exact = new Date(t.dateTime).toLocaleString();
    if (t.title !== exact) t.title = exact;
  }
}

/* --- the stream --- */

const live = () => byId('live');

function state(what) {
  if (!live()) return;
  live().dataset.state = what;
  live().textContent = what === 'lost' ? 'offline, retrying' : 'live';
}

function listen() {
  const topics = document.body.dataset.topics;
  if (!topics) return;
  const source = new EventSource('/events?topics=' + encodeURIComponent(topics));
  source.onopen = () => { if (live() && live().dataset.state === 'lost') refresh(); state('on'); };
  source.onerror = () => state('lost');
  for (const kind of ['project_updated', 'projects_changed', 'alerts_changed', 'silences_changed', 'settings_changed', 'reset', 'gap']) {
    source.addEventListener(kind, refresh);
  }
  addEventListener('pagehide', () => source.close());
}

/* --- forms --- */

document.addEventListener('submit', async event => {
  const form = event.target;
  if (!form.matches('form[data-live]') || event.submitter?.hasAttribute('data-plain')) return;
  event.preventDefault();
  const answer = form.querySelector('.answer'), buttons = form.querySelectorAll('button');
  const body = new URLSearchParams(new FormData(form, event.submitter));
  const action = event.submitter && event.submitter.hasAttribute('formaction') ? event.submitter.formAction : form.action;
  const say = (text, bad) => { answer.textContent = text; answer.classList.toggle('bad', !!bad); };
  buttons.forEach(b => { b.disabled = true; });
  say('sending…');
  try {
    const got = await fetch(action, { method: 'POST', body, headers: { Accept: 'application/json' } });
    const doc = await got.json();
    if (doc.request) {
      for (const i of document.querySelectorAll('input[name=request]')) i.value = doc.request;
    }
    if (doc.ok) {
      say(doc.data && doc.data.sync ? doc.data.sync : 'done');
      form.querySelectorAll('textarea, input[type=text]').forEach(f => { f.value = f.defaultValue; forget(f); });
      sent = form;
      await refresh();
      sent = null;
      if (!form.isConnected && document.activeElement === document.body) byId('main').focus();
    } else {
      say('error: ' + doc.error.message + doc.error.hints.map(h => '\nhint: ' + h).join(''), true);
    }
  } catch {
    say('error: the dashboard does not answer; what you typed is kept', true);
  }
  buttons.forEach(b => { b.disabled = false; });
});

// What is being typed outlives a reload.
const draftKey = field => 'draft ' + location.pathname + ' ' + field.name;
const forget = field => sessionStorage.removeItem(draftKey(field));
document.addEventListener('input', event => {
  const f = event.target;
  if (f.matches('textarea:not([data-draft=no])')) sessionStorage.setItem(draftKey(f), f.value);
});

/* --- keys --- */

// Keys are off in fields, with a modifier, and where somebody switched them off.
const fields = 'input, textarea, select, [contenteditable]';
const places = { i: '/', a: '/alerts', p: '/projects', l: '/activity', s: '/search', w: '/agents' };
let prefix = '';

const rows = () => [...document.querySelectorAll('#main .row, #main .rows > li')].filter(r => r.offsetParent);

function step(by) {
  const all = rows(), at = all.findIndex(r => r.classList.contains('at'));
  const next = all[Math.min(Math.max(at + by, 0), all.length - 1)];
  if (!next) return;
  all.forEach(r => r.classList.toggle('at', r === next));
  const link = next.querySelector('.what a, a');
  if (link) link.focus(); else next.scrollIntoView({ block: 'nearest' });
}

const keys = {
  j: () => step(1),
  k: () => step(-1),
  x: () => document.querySelector('.row.at input[type=checkbox]')?.click(),
  u: () => { const up = location.pathname.replace(/\/[^/]*$/, ''); location.href = up === '/p' || !up ? '/' : up; },
  '/': () => (byId('q') || { focus: () => { location.href = '/search'; } }).focus(),
  c: () => byId('text')?.focus(),
  e: () => (document.querySelector('#close-form button') || document.querySelector('#reopen-form button'))?.click(),
  n: () => { const d = byId('new'); if (d) { d.open = true; byId('title').focus(); } },
  r: () => refresh(),
  ':': () => openPalette(),
  '?': () => byId('help')?.showModal(),
};

document.addEventListener('keydown', event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.body.dataset.keys === 'off') return;
  if (event.key === 'Escape' && event.target.matches(fields)) { event.target.blur(); return; }
  if (event.target.matches(fields) && event.target.type !== 'checkbox') return;
  if (prefix === 'g') {
    prefix = '';
    if (places[event.key]) { location.href = places[event.key]; event.preventDefault(); return; }
  }
  if (event.key === 'g') { prefix = 'g'; return; }
  const node = event.target.closest('.node'), way = { ArrowRight: 'out', ArrowLeft: 'in' }[event.key];
  if (node && way && node.dataset[way]) { event.preventDefault(); byId('n-' + node.dataset[way].split(' ')[0]).focus(); return; }
  if (keys[event.key]) { event.preventDefault(); keys[event.key](); }
});

/* --- palette --- */

// The palette goes to pages, projects and issues: what is on this page at once,
// what the server finds after that.
const palette = () => byId('palette');

function choices(words) {
  const all = [...document.querySelectorAll('#rail a, .tabs a, .button[href], .links a')].map(a => [a.textContent.trim().replace(/\s+/g, ' '), a.href]);
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
    const answer = await fetch('/search.json?q=' + encodeURIComponent(text), { headers: { Accept: 'application/json' } });
    const doc = await answer.json();
    if (mine !== asked || !doc.ok) return;
    const hits = doc.data.hits.flatMap(h => h.issues.map(i => ['/p/' + h.project + '/i/' + (i.number || i.short), (i.number ? '#' + i.number : i.short) + ' ' + i.title + ' · ' + h.project]));
    list([...here, ...hits].slice(0, 12));
  } catch { /* what is on the page is offered all the same */ }
}

function openPalette() {
  if (!palette()) return;
  palette().showModal();
  byId('palette-words').value = '';
  list(choices([]));
}

document.addEventListener('keydown', event => {
  if (event.key === 'k' && (event.ctrlKey || event.metaKey)) { event.preventDefault(); openPalette(); return; }
  if (!palette()?.open || !['ArrowDown', 'ArrowUp', 'Enter'].includes(event.key)) return;
  const all = [...palette().querySelectorAll('a')], at = all.indexOf(document.activeElement);
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

for (const f of document.querySelectorAll('textarea:not([data-draft=no])')) {
  const draft = sessionStorage.getItem(draftKey(f));
  if (draft) f.value = draft;
}
login();
times();
setInterval(times, 10000);
listen();
