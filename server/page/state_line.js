// What stands where answers will be: that they are coming, that there are none, or why they cannot come.

import { element, wordButton } from './element.js';

export function waiting(words = 'Asking…') {
  return element('p', { class: 'empty is-waiting' }, words);
}

export function empty(words) {
  return element('p', { class: 'empty' }, words);
}

export function failure(problem, onretry) {
  return element('div', { class: 'empty failure', role: 'alert' }, element('p', {}, problem.message),
    onretry ? wordButton('Try again', onretry) : null);
}
