'use strict';
// The page works without this script; with it, it follows along.
(() => {
  const main = () => document.getElementById('main');
  const live = document.getElementById('live');

  // The same steps as rough in instant.go.
  const rough = (s) => {
    if (s < 120) return Math.floor(s) + ' s';
    if (s < 7200) return Math.floor(s / 60) + ' min';
    if (s < 172800) return Math.floor(s / 3600) + ' h';
    return Math.floor(s / 86400) + ' d';
  };
  const distances = () => {
    for (const t of document.querySelectorAll('time')) {
      const s = (Date.parse(t.dateTime) - Date.now()) / 1000;
      const far = t.querySelector('.far');
      const text = '(' + (s >= 0 ? 'in ' + rough(s) : rough(-s) + ' ago') + ')';
      if (far && far.textContent !== text) far.textContent = text;
    }
  };

  let busy = false, wanted = '';
  const swap = async (version) => {
    wanted = version;
    if (busy || main().dataset.version === version) return;
    busy = true;
    try {
      const answer = await fetch(location.pathname);
      if (!answer.ok) { say('This lane is gone', 'off'); return; }
      const news = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const focused = document.activeElement && document.activeElement.id;
      const scrolled = [...main().querySelectorAll('.scroll')].map((e) => [e.id, e.scrollLeft]);
      main().replaceWith(document.adoptNode(news.getElementById('main')));
      for (const [id, x] of scrolled) { const e = document.getElementById(id); if (e) e.scrollLeft = x; }
      if (focused) { const e = document.getElementById(focused); if (e && e !== document.activeElement) e.focus({ preventScroll: true }); }
      // Text in the living element, so that it is read out.
      for (const id of ['summary', 'looked']) {
        const from = news.getElementById(id), to = document.getElementById(id);
        if (from && to && from.textContent !== to.textContent) to.replaceChildren(...from.childNodes);
      }
      distances();
    } catch { say('Cannot reach Waveguide', 'off'); } finally { busy = false; }
    if (wanted !== version) swap(wanted);
  };

  const say = (text, state) => { live.textContent = text; live.className = state; };
  const looked = (instant) => {
    const t = document.querySelector('#looked time');
    if (!t || Number.isNaN(Date.parse(instant))) return;
    t.dateTime = instant;
    if (t.firstChild.nodeType === 3) t.firstChild.data = instant.slice(0, 10) + ' ' + instant.slice(11, 16) + 'Z ';
    distances();
  };
  const events = new EventSource('/events');
  events.onopen = () => say('Live', 'on');
  events.onerror = () => say('Not connected: what you see may be old', 'off');
  events.addEventListener('version', (e) => swap(e.data));
  events.addEventListener('look', (e) => looked(e.data));
  setInterval(distances, 5000);
})();
