// A file of the listener's own: sent, and what in the library is like it.

import { announce } from './announcer.js';
import { answerList } from './answer_list.js';
import { api, isAborted } from './api.js';
import { clock } from './clock.js';
import { element, wordButton } from './element.js';
import { USUAL_PASSAGE_SECONDS } from './passages.js';
import { go, place } from './router.js';
import { empty, failure } from './state_line.js';
import { trackOf } from './tracks.js';

const COUNT = 10;

export const uploadView = { name: 'upload', place: 'upload', title: 'Your file', show };

// The address cannot hold a file: the page keeps the last one, so that coming back shows it and a changed library is asked again.
let lastFile = null;
let handOver = null;

/** Sends a file from anywhere on the page and shows its answers. */
export function sendFile(file) {
  lastFile = file;
  if (place().name === 'upload') handOver?.();
  else go('#/upload');
}

function show(main, there, signal) {
  const input = element('input', { type: 'file', id: 'file', accept: 'audio/*,.flac,.ogg,.opus,.mp3,.m4a,.wav,.aiff', class: 'visually-hidden', tabindex: '-1', 'aria-label': 'Choose an audio file' });
  input.addEventListener('change', () => input.files[0] && sendFile(input.files[0]));
  const bar = element('progress', { max: 1, 'aria-label': 'Upload' });
  const told = element('p', { class: 'quiet' });
  let sending = new AbortController();
  const cancel = wordButton('Call off', () => {
    lastFile = null;
    sending.abort();
  }, { class: 'button is-plain' });
  const progress = element('div', { class: 'upload-progress', id: 'upload-progress', hidden: true }, told, bar, cancel);
  const results = element('div', { id: 'upload-results' });
  main.append(element('h1', {}, 'Your file'),
    element('div', { class: 'upload-place' },
      element('p', {}, 'Drop an audio file anywhere on the page, or choose one, to hear what in the library is like it. The file is compared and not kept.'),
      wordButton('Choose a file', () => input.click(), { iconName: 'upload', class: 'button is-main', id: 'choose-file' }), input),
    progress, results);
  signal.addEventListener('abort', () => {
    sending.abort();
    handOver = null;
  });

  async function send() {
    const file = lastFile;
    sending.abort();
    sending = new AbortController();
    const listening = sending.signal;
    progress.hidden = false;
    results.replaceChildren();
    bar.value = 0;
    told.textContent = `Sending ${file.name}`;
    announce(`Sending ${file.name}`);
    try {
      const answer = await api.upload(file, { count: COUNT, signal: listening, onprogress: (part) => {
        bar.value = part;
        if (part < 1) return;
        // Nothing tells how far the comparing has come: a bar without a value says that it goes on.
        bar.removeAttribute('value');
        told.textContent = `Comparing ${file.name} with the library`;
      } });
      await showAnswer(results, file, answer, signal);
    } catch (problem) {
      if (isAborted(problem)) {
        if (listening === sending.signal) progress.hidden = true;
        return;
      }
      results.replaceChildren(failure(problem, send));
    }
    progress.hidden = true;
  }

  handOver = send;
  if (lastFile) send();
  // Not sent again when another generation serves: a file may be hundreds of megabytes.
  return { update: () => true };
}

async function showAnswer(results, file, { query, answers }, signal) {
  const { itself } = query;
  const same = await Promise.all((itself ?? []).map((id) => trackOf(id).catch(() => null)));
  const passageSeconds = answers.length ? await api.passages(answers[0].track.id, signal).then(({ seconds }) => seconds, () => USUAL_PASSAGE_SECONDS) : USUAL_PASSAGE_SECONDS;
  const heard = heardFile(file, signal);
  results.replaceChildren(
    element('section', { class: 'upload-query', 'aria-label': 'The file' },
      element('div', { class: 'upload-words' }, element('p', { class: 'row-title' }, query.title || file.name),
        element('p', { class: 'row-credit' }, [query.artist, clock(query.duration_seconds ?? NaN)].filter(Boolean).join(' · ')),
        same.filter(Boolean).map((track) => element('p', { class: 'row-credit' }, 'The library holds this very recording: ', element('a', { href: `#/track/${track.id}` }, track.title)))),
      heard),
    element('h2', { id: 'answers-heading' }, 'Nearest tracks'),
    answers.length ? answerList(answers, {
      label: 'Nearest tracks', from: null, seeds: itself?.length ? [itself[0]] : undefined, passageSeconds,
      onpassage: (seconds) => {
        heard.currentTime = seconds;
        heard.play().catch(() => {});
      },
    }, signal) : empty('Nothing in the library is near it.'));
  announce(`${answers.length} tracks are near ${file.name}`);
}

/** The file itself, played from the listener's own disk. */
function heardFile(file, signal) {
  const address = URL.createObjectURL(file);
  signal.addEventListener('abort', () => URL.revokeObjectURL(address));
  return element('audio', { controls: true, preload: 'metadata', src: address, 'aria-label': `Play ${file.name}` });
}
