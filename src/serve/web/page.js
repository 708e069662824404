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

  // what a person has typed, opened and scrolled survives a change
  const replace = (html) => {
    const kept = new Map();
    for (const field of main.querySelectorAll('[data-keep]')) kept.set(field.dataset.keep, field);
    const active = document.activeElement;
    const selection = active && active.selectionStart !== undefined ? [active.selectionStart, active.selectionEnd] : null;
    const scrolled = Array.from(main.querySelectorAll('[data-end]'), (text) =>
      text.scrollHeight - text.scrollTop - text.clientHeight > 40 ? text.scrollTop : null);
    const next = document.createElement('template');
    next.innerHTML = html;
    for (const field of next.content.querySelectorAll('[data-keep]')) {
      const old = kept.get(field.dataset.keep);
      if (old) field.replaceWith(old);
    }
    main.replaceChildren(next.content);
    if (active && active !== document.activeElement && main.contains(active)) {
      active.focus({ preventScroll: true });
      if (selection && active.setSelectionRange) active.setSelectionRange(...selection);
    }
    toEnds();
    main.querySelectorAll('[data-end]').forEach((text, at) => {
      if (scrolled[at] !== null && scrolled[at] !== undefined) text.scrollTop = scrolled[at];
    });
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
