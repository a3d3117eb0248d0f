// Builds the page's elements. Text goes in as text nodes only, so that a tag read from a file can never become markup.

const SVG = 'http://www.w3.org/2000/svg';

/**
 * An element with attributes, listeners (`onclick: f`) and children (elements or text; null is left out).
 * `false`, null and undefined attributes are left out and `true` is written as an empty one.
 */
export function element(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same for SVG, whose elements need their namespace. */
export function drawing(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? '' : String(value));
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return node;
}

/** An icon out of the symbols that stand in index.html. */
export function icon(name) {
  return drawing('svg', { class: 'icon', 'aria-hidden': 'true' }, drawing('use', { href: `#icon-${name}` }));
}

/** A button that shows an icon alone; its label is read out and shown as a tooltip. */
export function iconButton(name, label, onclick, attributes = {}) {
  return element('button', { type: 'button', class: 'icon-button', 'aria-label': label, title: label, onclick, ...attributes }, icon(name));
}

/** A button with words, and an icon before them where one is named. */
export function wordButton(label, onclick, { iconName, ...attributes } = {}) {
  return element('button', { type: 'button', class: 'button', onclick, ...attributes }, iconName ? icon(iconName) : null, element('span', {}, label));
}
