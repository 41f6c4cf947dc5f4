const screens = [...document.querySelectorAll('section')];
const blank = document.getElementById('blank'), timer = document.getElementById('timer');
let at = 0, began = 0, typed = '';
function show(n, revealed) {
  at = Math.max(0, Math.min(screens.length - 1, n));
  screens.forEach((s, i) => { s.classList.toggle('on', i === at); s.inert = i !== at; });
  screens[at].querySelectorAll('.reveal').forEach(e => e.classList.toggle('shown', !!revealed));
  if (location.hash !== '#' + (at + 1)) history.replaceState(null, '', '#' + (at + 1));
  screens[at].focus({preventScroll: true});
}
function next() {
  const hidden = screens[at].querySelector('.reveal:not(.shown)');
  if (hidden) { screens[at].querySelectorAll('.reveal').forEach(e => e.classList.add('shown')); return; }
  if (at < screens.length - 1) show(at + 1);
}
function back() { if (at > 0) show(at - 1, true); }
function tick() {
  const s = Math.floor((Date.now() - began) / 1000);
  timer.textContent = Math.floor(s / 60) + ':' + String(s % 60).padStart(2, '0');
}
function jump() { const n = parseInt(location.hash.slice(1), 10); show(n ? n - 1 : 0); }
addEventListener('hashchange', jump);
addEventListener('keydown', e => {
  if (e.ctrlKey || e.metaKey || e.altKey) return;
  const k = e.key;
  if (k === 'Enter' && (typed || e.target.closest('a'))) {
    if (typed) { show(parseInt(typed, 10) - 1); typed = ''; e.preventDefault(); }
    return;
  }
  if (/^[0-9]$/.test(k)) { typed = (typed + k).slice(-3); return; }
  typed = '';
  if (['ArrowRight', 'ArrowDown', 'PageDown', ' ', 'Enter'].includes(k)) next();
  else if (['ArrowLeft', 'ArrowUp', 'PageUp', 'Backspace'].includes(k)) back();
  else if (k === 'Home') show(0);
  else if (k === 'End') show(screens.length - 1);
  else if (k === 'b' || k === 'B' || k === '.') blank.classList.toggle('on');
  else if (k === 't' || k === 'T') { if (!timer.classList.toggle('on')) began = 0; else { began = Date.now(); tick(); } }
  else if (k === 'n' || k === 'N') document.body.classList.toggle('notes');
  else if (k === 'd' || k === 'D') {
    const list = document.body.classList;
    const dark = list.contains('jl-dark') || (!list.contains('jl-light') && matchMedia('(prefers-color-scheme: dark)').matches);
    list.toggle('jl-dark', !dark); list.toggle('jl-light', dark);
  } else if (k === 'p' || k === 'P') print();
  else return;
  e.preventDefault();
});
addEventListener('click', e => { if (!e.target.closest('a') && !getSelection().toString()) next(); });
setInterval(() => { if (began) tick(); }, 500);
jump();
