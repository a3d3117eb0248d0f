// The mix: add and subtract tracks by weights, and what comes out.

import { announce } from './announcer.js';
import { answerList } from './answer_list.js';
import { api, isAborted } from './api.js';
import { cover } from './cover.js';
import { element, iconButton, wordButton } from './element.js';
import { HIGHEST_WEIGHT, LOWEST_WEIGHT, seedsOfHash } from './mix.js';
import { askOpinions } from './opinions.js';
import { writeHash } from './router.js';
import { mix, queue } from './session.js';
import { empty, failure } from './state_line.js';
import { trackPicker } from './track_picker.js';
import { nameOf, trackOf } from './tracks.js';

const COUNT = 20;
const SETTLE_MILLISECONDS = 250;

export const mixView = { name: 'mix', place: 'mix', title: 'Mix', show };

function show(main, there, signal) {
  const seeds = element('ul', { class: 'seeds', id: 'seeds', 'aria-label': 'What the mix is made of' });
  const none = empty('A mix is like some tracks and unlike others. Add one below, or press plus and minus on any track.');
  const heading = element('h2', { id: 'answers-heading' }, 'What comes out');
  const play = wordButton('Play the mix', () => begin(), { iconName: 'play', class: 'button is-main', id: 'play-mix' });
  const place = element('div', { id: 'answers' });
  const result = element('section', { 'aria-labelledby': 'answers-heading' }, element('div', { class: 'heading' }, heading, play), place);
  main.append(
    element('div', { class: 'heading' }, element('h1', {}, 'Mix'), wordButton('Clear', () => mix.replace([]), { class: 'button is-plain', id: 'clear-mix' })),
    element('section', { class: 'mix-seeds', 'aria-label': 'Tracks of the mix' }, seeds, none,
      trackPicker({ id: 'mix-add', label: 'Add a track to the mix', onpick: (track) => mix.more(track), isClearing: true }, signal)),
    result);

  let answers = [];
  let asking = new AbortController();
  let timer;
  signal.addEventListener('abort', () => {
    asking.abort();
    clearTimeout(timer);
  });

  function begin() {
    const liked = mix.seeds.filter(({ weight }) => weight > 0).sort((a, b) => b.weight - a.weight).map(({ track }) => track.id);
    if (answers.length) queue.begin(answers.map(({ track }) => track), { seeds: liked, query: liked[0] });
  }

  async function ask() {
    asking.abort();
    asking = new AbortController();
    result.hidden = !mix.seeds.length;
    if (!mix.seeds.length) return;
    const liked = mix.seeds.filter(({ weight }) => weight > 0).map(({ track }) => track.id);
    // A weight of 0 says nothing; the server need not be told of it.
    const wish = mix.seeds.filter(({ weight }) => weight !== 0).map(({ track, weight }) => ({ track: track.id, weight }));
    place.classList.add('is-asking');
    try {
      if (!liked.length) throw new Error('Give at least one track a weight above 0: a mix has to be like something.');
      answers = (await api.mix(wish, COUNT, asking.signal)).answers;
      const from = mix.seeds.find(({ weight }) => weight > 0).track;
      askOpinions(from.id);
      place.replaceChildren(answers.length ? answerList(answers, { label: 'What comes out', from, seeds: liked }, signal) : empty('Nothing in the library fits.'));
      announce(`${answers.length} tracks fit the mix`);
    } catch (problem) {
      if (isAborted(problem)) return;
      answers = [];
      place.replaceChildren(failure(problem));
    }
    play.hidden = !answers.length;
    place.classList.remove('is-asking');
  }

  function changed() {
    writeHash(mix.hash);
    none.hidden = mix.seeds.length > 0;
    showSeeds(seeds);
    clearTimeout(timer);
    timer = setTimeout(ask, SETTLE_MILLISECONDS);
  }

  async function take(where) {
    const named = seedsOfHash(where.query.get('seeds'));
    if (named.length) {
      // A bookmark may name tracks that have left the library: the others still make a mix.
      const found = await Promise.all(named.map(({ id, weight }) => trackOf(id).then((track) => ({ track, weight }), () => null)));
      if (signal.aborted) return;
      mix.replace(found.filter(Boolean));
    } else {
      changed();
    }
  }

  mix.addEventListener('change', changed, { signal });
  take(there);
  return {
    update(next) {
      if (location.hash !== mix.hash) take(next);
      return true;
    },
    refresh: ask,
  };
}

/** Rows that are still there are kept, so that a slider being moved is not taken out of the hand. */
function showSeeds(list) {
  const had = new Map([...list.children].map((row) => [Number(row.dataset.trackId), row]));
  const rows = mix.seeds.map(({ track, weight }) => {
    const row = had.get(track.id) ?? seedRow(track);
    row.setWeight(weight);
    return row;
  });
  if (rows.length !== had.size || rows.some((row, at) => row !== list.children[at])) list.replaceChildren(...rows);
}

function seedRow(track) {
  const name = nameOf(track);
  const slider = element('input', { type: 'range', min: LOWEST_WEIGHT, max: HIGHEST_WEIGHT, step: 0.1, 'aria-label': `Weight of ${name}` });
  const number = element('output', { class: 'number seed-weight' });
  slider.addEventListener('input', () => mix.setWeight(track, Number(slider.value)));
  const row = element('li', { class: 'seed', 'data-track-id': track.id },
    cover(track),
    element('div', { class: 'row-words' }, element('a', { class: 'row-title', href: `#/track/${track.id}` }, track.title), element('span', { class: 'row-credit' }, track.artist ?? 'Unknown artist')),
    element('div', { class: 'seed-slider' }, slider, number),
    iconButton('close', `Take ${name} out of the mix`, () => mix.remove(track), { 'data-action': 'remove' }));
  row.setWeight = (weight) => {
    slider.value = weight;
    const isNegative = weight < 0;
    number.textContent = `${isNegative ? '−' : weight > 0 ? '+' : ''}${Math.abs(weight).toFixed(1)}`;
    row.classList.toggle('is-negative', isNegative);
    const filled = ((weight - LOWEST_WEIGHT) / (HIGHEST_WEIGHT - LOWEST_WEIGHT)) * 100;
    slider.style.setProperty('--filled', `${filled}%`);
  };
  return row;
}
