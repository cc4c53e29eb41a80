// Looks at a page as a person with poor sight, a thumb or a screen reader would; answers complaints.
// Limits are WCAG 2.2 AA: contrast 1.4.3, reflow 1.4.10, names 4.1.2, targets 2.5.5 (AAA: 44 px).
() => {
  const problems = [];
  const channels = (color) => color.match(/[\d.]+/g).map(Number);
  const light = (color) => {
    const [r, g, b] = channels(color).slice(0, 3).map((c) => c / 255)
      .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = getComputedStyle(at).backgroundColor;
      if ((channels(color)[3] ?? 1) === 1) return color;
    }
    return 'rgb(255, 255, 255)';
  };
  let measured = 0;
  for (const element of document.body.querySelectorAll('*')) {
    const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    if (!own) continue;
    measured += 1;
    const [high, low] = [light(getComputedStyle(element).color), light(behind(element))]
      .sort((a, b) => b - a);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) problems.push(`contrast ${ratio.toFixed(2)}: ${element.outerHTML}`);
    if (parseFloat(getComputedStyle(element).fontSize) < 14) problems.push('small text');
  }
  if (measured < 5) problems.push('too little text was measured');
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) problems.push(`too wide: ${root.scrollWidth}`);
  for (const block of document.querySelectorAll('pre')) {
    if (block.scrollWidth > block.clientWidth) problems.push('a block must be scrolled');
    if (!block.getAttribute('aria-label')) problems.push('a block without a name');
  }
  for (const target of document.querySelectorAll('button, .button, summary')) {
    const box = target.getBoundingClientRect();
    if (box.height < 44 || box.width < 44) problems.push(`hard to hit: ${target.outerHTML}`);
  }
  for (const control of document.querySelectorAll('button, a, summary')) {
    if (!control.textContent.trim()) problems.push(`nameless: ${control.outerHTML}`);
  }
  for (const field of document.querySelectorAll('input:not([type=hidden]), select, textarea')) {
    if (!field.labels.length) problems.push(`unlabelled: ${field.outerHTML}`);
  }
  const levels = [...document.querySelectorAll('h1, h2, h3, h4, h5, h6')]
    .map((heading) => Number(heading.tagName[1]));
  if (levels[0] !== 1 || levels.lastIndexOf(1) !== 0) problems.push('not one h1');
  if (levels.some((level, at) => at && level > levels[at - 1] + 1)) problems.push('level skipped');
  if (!document.title) problems.push('no title');
  if (document.querySelectorAll('main').length !== 1) problems.push('no landmark');
  if (document.querySelector('script, img, iframe, link')) problems.push('foreign content');
  const styled = getComputedStyle(document.querySelector('main')).maxWidth !== 'none';
  return { problems, lang: root.lang, styled };
}
