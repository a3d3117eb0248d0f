// One track: what it is, how it runs, and what is nearest to it or to a passage of it.

import { announce } from './announcer.js';
import { answerList } from './answer_list.js';
import { api, isAborted } from './api.js';
import { clock } from './clock.js';
import { element, wordButton } from './element.js';
import { learnOpinions } from './opinions.js';
import { PassageForm } from './passage_form.js';
import { Passages } from './passages.js';
import { go } from './router.js';
import { player, queue } from './session.js';
import { empty, failure, waiting } from './state_line.js';
import { trackHead } from './track_head.js';
import { holdPlace } from './track_list.js';
import { remember } from './tracks.js';
import { Waveform } from './waveform.js';

const COUNT = 10;
const MOST = 50;
const WAVEFORM_POINTS = 1200;

export const trackView = { name: 'track', place: 'library', title: 'Track', show };

function show(main, there, signal) {
  const id = Number(there.id);
  const head = element('div', { class: 'track-head-place' }, waiting());
  main.append(head);
  let shown = null;
  let range = rangeOf(there);

  async function load() {
    try {
      const track = remember(await api.track(id, signal));
      learnOpinions(id, track.opinions);
      document.title = `${track.title} – Similar tracks`;
      head.replaceChildren(trackHead(track));
      shown = showBody(main, track, signal);
      shown.ask(range);
    } catch (problem) {
      if (!isAborted(problem)) head.replaceChildren(element('h1', {}, 'Track'), failure(problem, load));
    }
  }
  load();
  return {
    update(next) {
      if (Number(next.id) !== id) return false;
      range = rangeOf(next);
      shown?.ask(range);
      return true;
    },
    refresh: () => shown?.ask(range),
  };
}

function rangeOf({ query }) {
  const [from, to] = [query.get('from'), query.get('to')].map((text) => (text === null || text === '' ? NaN : Number(text)));
  return Number.isFinite(from) && Number.isFinite(to) ? { from, to } : null;
}

function showBody(main, track, signal) {
  const askFor = (from, to) => {
    const stretch = passages.around(from, to);
    go(`#/track/${track.id}?from=${stretch.from}&to=${stretch.to}`);
  };
  const askWhole = () => go(`#/track/${track.id}`);
  const passages = new Passages();
  const playHere = (seconds) => player.playFrom(track, seconds);
  const waveform = new Waveform({ onplay: playHere, onrange: askFor }, signal);
  waveform.element.id = 'waveform';
  const form = new PassageForm({ onask: askFor, onwhole: askWhole }, track.duration_seconds);
  const heading = element('h2', { id: 'answers-heading' }, 'Nearest tracks');
  const playAll = wordButton('Play these', () => {
    if (answers.length) queue.begin(answers.map((answer) => answer.track), { seeds: [track.id], query: track.id });
  }, { iconName: 'play', id: 'play-answers' });
  const place = element('div', { id: 'answers', 'aria-live': 'off' }, waiting());
  const more = wordButton('More', () => ask(range, Math.min(MOST, count + COUNT)), { id: 'more', hidden: true });
  main.append(
    element('section', { class: 'stretch', 'aria-label': 'Waveform' }, waveform.element, form.element),
    element('section', { 'aria-labelledby': 'answers-heading' }, element('div', { class: 'heading' }, heading, playAll), place, element('p', { class: 'more' }, more)));

  let answers = [];
  let count = COUNT;
  let range = null;
  let asking = new AbortController();
  signal.addEventListener('abort', () => asking.abort());

  api.waveform(track.id, WAVEFORM_POINTS, signal).then(({ seconds, peaks }) => {
    // A waveform may show less than the track: its length is asked about only where the tags tell none.
    if (!track.duration_seconds) form.setLength(seconds);
    waveform.setPeaks(seconds, peaks);
  }).catch((problem) => {
    if (!isAborted(problem)) waveform.element.replaceChildren(element('p', { class: 'quiet' }, `No waveform: ${problem.message}`));
  });
  const passagesKnown = passages.ask(track.id, signal);
  player.addEventListener('time', () => waveform.setPlayed(player.track?.id === track.id ? player.seconds : 0), { signal });

  async function ask(nextRange, nextCount = COUNT) {
    range = nextRange;
    count = nextCount;
    asking.abort();
    asking = new AbortController();
    const listening = asking.signal;
    form.setRange(range);
    waveform.setRange(range);
    waveform.setMarks([]);
    heading.textContent = range ? `Nearest to ${clock(range.from)} – ${clock(range.to)}` : 'Nearest tracks';
    place.classList.add('is-asking');
    try {
      const [answer] = await Promise.all([api.similar(track.id, { count, ...range }, listening), passagesKnown]);
      const takeUp = holdPlace(place);
      answers = answer.answers;
      place.replaceChildren(answers.length ? answerList(answers, {
        label: heading.textContent, from: track, seeds: [track.id], passageSeconds: passages.seconds,
        onchoose: (matching) => waveform.setMarks(matching.map(({ first_seconds: from }, at) => ({ from, to: from + passages.seconds, isChosen: at === 0 }))),
        onpassage: playHere,
      }, signal) : empty('Nothing in the library is near it.'));
      takeUp();
      more.hidden = answers.length < count || count >= MOST;
      playAll.hidden = !answers.length;
      announce(`${answers.length} ${heading.textContent.toLowerCase()}`);
    } catch (problem) {
      if (isAborted(problem)) return;
      place.replaceChildren(failure(problem, () => ask(range, count)));
      more.hidden = playAll.hidden = true;
    }
    place.classList.remove('is-asking');
  }
  return { ask };
}
