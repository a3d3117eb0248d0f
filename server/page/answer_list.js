// Answers to a query, each with the passages that matched.

import { api, isAborted } from './api.js';
import { clock } from './clock.js';
import { element, wordButton } from './element.js';
import { player, queue } from './session.js';
import { trackList } from './track_list.js';
import { trackRow } from './track_row.js';
import { Waveform } from './waveform.js';

const WAVEFORM_POINTS = 400;

/**
 * `from` is the track asked about (null for an uploaded file), `seeds` what a queue of these answers goes on from,
 * `passageSeconds` how long a matching passage is. `onchoose(passages)` tells of the opened answer's passages (empty
 * when it closes) and `onpassage(seconds)` plays the query's side of one.
 */
export function answerList(answers, { label, from, seeds, passageSeconds, onchoose, onpassage }, signal) {
  const list = trackList(label, signal);
  const tracks = answers.map(({ track }) => track);
  const rows = answers.map(({ track, similarity, passages }, at) => trackRow(track, {
    similarity, from,
    onplay: () => {
      if (player.track?.id === track.id) player.toggle();
      // The rest of the answers follow: whoever plays the third has seen the first two.
      else queue.begin(tracks.slice(at), { seeds, query: from?.id ?? seeds?.[0] });
    },
    onopen: passages?.length ? (isOpen, panel) => {
      if (isOpen) for (const other of rows) if (other.dataset.trackId !== String(track.id)) other.close();
      onchoose?.(isOpen ? passages : []);
      if (isOpen && !panel.hasChildNodes()) fillPanel(panel, { track, passages, from, seeds, passageSeconds, onpassage }, signal);
    } : undefined,
  }, signal));
  list.append(...rows);
  return list;
}

function fillPanel(panel, { track, passages, from, seeds, passageSeconds, onpassage }, signal) {
  const playAnswer = (seconds) => player.playFrom(track, seconds, { seeds, query: from?.id ?? seeds?.[0] });
  const waveform = new Waveform({ onplay: playAnswer }, signal);
  const told = element('p', { class: 'quiet' }, 'Passages that match, most similar first:');
  panel.append(waveform.element, told, element('ul', { class: 'passages' }, passages.map((passage) => element('li', {},
    onpassage ? wordButton(clock(passage.first_seconds), () => onpassage(passage.first_seconds),
      { iconName: 'play', 'data-side': 'first', 'aria-label': `Play the track asked about from ${clock(passage.first_seconds)}` }) : element('span', {}, clock(passage.first_seconds)),
    element('span', { class: 'quiet' }, 'is like'),
    wordButton(clock(passage.second_seconds), () => playAnswer(passage.second_seconds),
      { iconName: 'play', 'data-side': 'second', 'aria-label': `Play ${track.title} from ${clock(passage.second_seconds)}` }),
    element('span', { class: 'number' }, passage.similarity.toFixed(2))))));
  const marks = passages.map(({ second_seconds: from_, similarity }, at) => ({ from: from_, to: from_ + passageSeconds, similarity, isChosen: at === 0 }));
  api.waveform(track.id, WAVEFORM_POINTS, signal).then(({ seconds, peaks }) => {
    waveform.setPeaks(seconds, peaks);
    waveform.setMarks(marks);
  }).catch((problem) => {
    if (!isAborted(problem)) waveform.element.replaceWith(element('p', { class: 'quiet' }, `No waveform: ${problem.message}`));
  });
  player.addEventListener('time', () => waveform.setPlayed(player.track?.id === track.id ? player.seconds : 0), { signal });
}
