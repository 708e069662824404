// Keeps the page as it is now: counts times, and takes what the server says has changed. Without it, everything is there, too.
(() => {
  'use strict';

  const span = (seconds) => {
    const parts = [[86400, 'day'], [3600, 'h'], [60, 'm'], [1, 's']];
    const words = [];
    for (const [length, name] of parts) {
      const count = Math.floor(seconds / length);
      seconds -= count * length;
      if (count > 0) words.push(count + name + (name === 'day' && count > 1 ? 's' : ''));
    }
    return words.join(' ') || '0s';
  };

  const tick = () => {
    const now = Date.now();
    for (const time of document.querySelectorAll('time[data-since], time[data-until]')) {
      const { since, until } = time.dataset;
      const left = since ? now - Number(since) : Number(until) - now;
      time.textContent = span(Math.max(0, Math.round(left / 1000)));
    }
  };

  const toEnds = () => {
    for (const text of document.querySelectorAll('[data-end]')) text.scrollTop = text.scrollHeight;
  };

  setInterval(tick, 1000);
  tick();
  toEnds();

  const main = document.getElementById('live');
  if (!main || !window.EventSource) return;

  const keyOf = (node) => (node.dataset ? node.dataset.keep || node.dataset.key || null : null);
  const isSame = (old, next) => old.nodeName === next.nodeName && keyOf(old) === keyOf(next);

  // Makes `old` like `next`. What does not differ is not touched, and nothing is moved: a person may be typing in it, choosing
  // from it or pressing it right now. A field with `data-keep` has what a person put there.
  const change = (old, next) => {
    if (old.nodeType !== Node.ELEMENT_NODE) {
      if (old.data === next.data) return;
      // what is selected stays so
      if (next.data.startsWith(old.data)) old.appendData(next.data.slice(old.data.length));
      else old.data = next.data;
      return;
    }
    if (old.dataset.keep) return;
    for (const { name } of Array.from(old.attributes)) if (!next.hasAttribute(name)) old.removeAttribute(name);
    for (const { name, value } of next.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
    changeInside(old, next);
  };

  const changeInside = (old, next) => {
    let at = old.firstChild;
    for (const wanted of Array.from(next.childNodes)) {
      let found = at && isSame(at, wanted) ? at : null;
      // what has a key of its own may stand further down
      for (let node = at; !found && node && keyOf(wanted); node = node.nextSibling) if (isSame(node, wanted)) found = node;
      if (!found) {
        old.insertBefore(wanted, at);
        continue;
      }
      while (at !== found) {
        const gone = at;
        at = at.nextSibling;
        gone.remove();
      }
      change(found, wanted);
      at = found.nextSibling;
    }
    while (at) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
  };

  const replace = (html) => {
    const scrolled = new Set();
    for (const text of main.querySelectorAll('[data-end]')) {
      if (text.scrollHeight - text.scrollTop - text.clientHeight > 40) scrolled.add(text);
    }
    const next = document.createElement('template');
    next.innerHTML = html;
    changeInside(main, next.content);
    for (const text of main.querySelectorAll('[data-end]')) if (!scrolled.has(text)) text.scrollTop = text.scrollHeight;
    tick();
  };

  const lost = document.getElementById('lost');
  let source = null;
  let shown = null;
  let again = null;
  const listen = () => {
    clearTimeout(again);
    if (source) source.close();
    source = new EventSource(main.dataset.events);
    source.onopen = () => { lost.hidden = true; };
    source.onmessage = (event) => {
      if (event.data !== shown) replace(event.data);
      shown = event.data;
    };
    source.onerror = () => {
      lost.hidden = false;
      // the browser tries again by itself unless it has given up
      if (source.readyState === EventSource.CLOSED) again = setTimeout(listen, 5000);
    };
  };
  listen();
  // a phone that sleeps loses its connection without noticing
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible' && source.readyState !== EventSource.OPEN) listen();
  });
})();
