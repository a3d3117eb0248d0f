// The stretch to ask with, as numbers: what dragging on the waveform does, for the keyboard and for exactness.

import { element, wordButton } from './element.js';

export class PassageForm {
  #from = element('input', { type: 'number', id: 'passage-from', min: 0, step: 0.1, inputmode: 'decimal', placeholder: '0' });
  #to = element('input', { type: 'number', id: 'passage-to', min: 0, step: 0.1, inputmode: 'decimal', placeholder: 'end' });
  #whole;
  #told = element('p', { class: 'form-problem', role: 'alert', hidden: true });
  #length = NaN;

  /** `onask(from, to)` in seconds; `onwhole()` goes back to the whole track. */
  constructor({ onask, onwhole }, length) {
    this.#whole = wordButton('Whole track', onwhole, { id: 'passage-whole', class: 'button is-plain', hidden: true });
    this.element = element('form', { class: 'passage-form', 'aria-label': 'Ask with a passage', onsubmit: (event) => {
      event.preventDefault();
      this.#submit(onask);
    } },
    element('p', { class: 'quiet passage-hint' }, 'Click to play from there. Drag over a stretch to ask with it alone.'),
    element('label', { for: 'passage-from' }, 'From'), this.#from,
    element('label', { for: 'passage-to' }, 'to'), this.#to, element('span', { class: 'quiet' }, 's'),
    element('button', { type: 'submit', class: 'button', id: 'passage-ask' }, element('span', {}, 'Ask with it')),
    this.#whole, this.#told);
    this.element.noValidate = true;
    if (length) this.setLength(length);
  }

  setLength(seconds) {
    this.#length = seconds;
    this.#to.placeholder = seconds.toFixed(0);
  }

  setRange(range) {
    this.#from.value = range ? range.from : '';
    this.#to.value = range ? range.to : '';
    this.#whole.hidden = !range;
    this.#told.hidden = true;
  }

  #submit(onask) {
    const from = Number(this.#from.value || 0);
    const to = this.#to.value ? Number(this.#to.value) : this.#length;
    const isWrong = !(from >= 0 && to > from);
    this.#told.hidden = !isWrong;
    if (isWrong) this.#told.textContent = 'The passage has to end after it begins.';
    else onask(from, to);
  }
}
