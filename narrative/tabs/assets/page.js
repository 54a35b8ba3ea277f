() => { // what belongs to no single component: theme, keyboard, clipboard
  const root = document.documentElement, body = document.body;
  const asked = new URLSearchParams(location.search).get('__theme');
  const system = matchMedia('(prefers-color-scheme: dark)');
  const dark = on => {
    body.classList.toggle('dark', on);
    root.style.colorScheme = on ? 'dark' : 'light';
    document.querySelector('#theme')?.setAttribute('aria-pressed', String(on));
  };
  const wanted = () => asked === 'dark' || asked === 'light' ? asked : localStorage.getItem('narrative-theme');
  dark(wanted() ? wanted() === 'dark' : system.matches);
  system.addEventListener('change', event => { if (!wanted()) dark(event.matches); });
  root.lang = 'en';
  document.querySelectorAll('.with-help').forEach(block => { // the help is read out with its control, and shown while one is at it
    const help = block.querySelector('.info-text');
    if (!help) return;
    help.id = `${block.id}-help`;
    block.querySelectorAll('input').forEach(input => input.setAttribute('aria-describedby', help.id));
  });


  let library = null;
  const rightToLeft = /^[^A-Za-z\u00c0-\u058f]*[\u0590-\u08ff\ufb1d-\ufefc]/;
  window.narrative = {
    direct() { // by hand: dir="auto" makes Chromium think for half a minute about a long paste
      const box = document.querySelector('#seed textarea');
      if (box) box.dir = rightToLeft.test(box.value.slice(0, 200)) ? 'rtl' : 'ltr';
    },
    async copy(text) { // the clipboard needs a secure page; over plain http in a house network the old way still works
      try { await navigator.clipboard.writeText(text); return; } catch { /* fall through */ }
      const box = document.createElement('textarea');
      box.value = text;
      box.style.cssText = 'position:fixed;opacity:0';
      body.append(box);
      box.select();
      document.execCommand('copy');
      box.remove();
    },
    address(path) { return `${(window.gradio_config?.root || location.origin).replace(/\/$/, '')}${path}`; }, // of the app itself
    plotly(path) { // fetched when the first figure is drawn, from the app
      return library ||= new Promise((done, failed) => {
        const script = document.createElement('script');
        script.src = window.narrative.address(path);
        script.onload = () => done(window.Plotly);
        script.onerror = () => { library = null; script.remove(); failed(new Error('no Plotly')); };
        document.head.append(script);
      });
    },
    paint(figure, place) { // the page's own colours, as they are just now
      const style = getComputedStyle(place);
      return JSON.parse(JSON.stringify(figure), (_, one) => typeof one === 'string' ? one.replace(/^var\((--[\w-]+)\)$/, (_, name) => style.getPropertyValue(name).trim()) : one);
    },
  };

  const typing = node => node.closest?.('textarea, select, [contenteditable], input:not([type=radio]):not([type=checkbox]):not([type=range])');
  document.addEventListener('input', event => { if (event.target.closest?.('#seed')) window.narrative.direct(); });
  document.addEventListener('click', event => {
    const card = document.querySelector('#about details[open]');
    if (card && !card.contains(event.target)) card.open = false;
    if (!event.target.closest?.('#theme')) return;
    dark(!body.classList.contains('dark'));
    localStorage.setItem('narrative-theme', body.classList.contains('dark') ? 'dark' : 'light');
  });
  document.addEventListener('keydown', event => {
    const command = event.ctrlKey || event.metaKey;
    const press = selector => { // in the tab that is open
      const node = [...document.querySelectorAll(selector)].find(one => one.checkVisibility());
      if (node && !node.disabled) { event.preventDefault(); node.click(); }
    };
    if (command && event.key === 'Enter') {
      document.activeElement?.dispatchEvent(new Event('change', { bubbles: true }));
      return press('#write');
    }
    if (event.key === 'Escape') {
      const card = document.querySelector('#about details[open]');
      if (card) { card.open = false; return card.querySelector('summary').focus(); }
      if (body.classList.contains('sheet-open')) return body.classList.remove('sheet-open');
      return press('#stop');
    }
    if (command && event.key.toLowerCase() === 'z' && !typing(event.target)) return press(event.shiftKey ? '[data-act=redo]' : '[data-act=undo]');
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key]; // Gradio's tabs and chips have no arrow keys
    const one = step && event.target.closest?.('[role=tab], .chips input[type=radio]');
    if (!one) return;
    const all = [...one.closest('[role=tablist], .chips').querySelectorAll('[role=tab], input[type=radio]')];
    const next = all[(all.indexOf(one) + step + all.length) % all.length];
    next.focus();
    next.click();
    event.preventDefault();
  });
}
