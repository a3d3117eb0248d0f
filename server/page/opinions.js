// Likes and dislikes: each is about one track as an answer to another.

import { api } from './api.js';
import { notice } from './announcer.js';
import { iconButton } from './element.js';
import { nameOf } from './tracks.js';

const opinions = new Map();
const asked = new Set();
const changes = new EventTarget();
const keyOf = (query, result) => `${query}:${result}`;

/** Takes over what the server knows of a track's answers. */
export function learnOpinions(query, told) {
  asked.add(query);
  for (const { result, is_liked: isLiked } of told ?? []) opinions.set(keyOf(query, result), isLiked);
  changes.dispatchEvent(new Event('change'));
}

/** Asks for the opinions about a track's answers where nothing has told of them yet. */
export async function askOpinions(query) {
  if (asked.has(query)) return;
  asked.add(query);
  try {
    const { opinions: told } = await api.track(query);
    learnOpinions(query, told);
  } catch {
    // Without them the buttons show no opinion, and still take one.
    asked.delete(query);
  }
}

async function express(query, result, isLiked) {
  const key = keyOf(query, result);
  const before = opinions.get(key);
  // The same button again takes the opinion back.
  const after = before === isLiked ? undefined : isLiked;
  set(key, after);
  try {
    await api.feedback(query, result, after === undefined ? 'forget' : after ? 'like' : 'dislike');
  } catch (problem) {
    set(key, before);
    notice(`The opinion was not kept: ${problem.message}`, { isProblem: true });
  }
}

function set(key, isLiked) {
  if (isLiked === undefined) opinions.delete(key);
  else opinions.set(key, isLiked);
  changes.dispatchEvent(new Event('change'));
}

/**
 * The pair of buttons. `about()` gives `{ query, result }` (numbers) at the time of pressing, or null where there is
 * nothing to have an opinion of; returns the buttons and a function that shows the present state.
 */
export function opinionButtons(about, track, signal) {
  const name = track ? `: ${nameOf(track)}` : '';
  const buttonFor = (iconName, label, isLiked) => iconButton(iconName, label + name, () => {
    const subject = about();
    if (subject) express(subject.query, subject.result, isLiked);
  }, { 'aria-pressed': 'false', 'data-action': iconName });
  const like = buttonFor('like', 'Like', true);
  const dislike = buttonFor('dislike', 'Dislike', false);
  const show = () => {
    const subject = about();
    const isLiked = subject ? opinions.get(keyOf(subject.query, subject.result)) : undefined;
    like.setAttribute('aria-pressed', String(isLiked === true));
    dislike.setAttribute('aria-pressed', String(isLiked === false));
    for (const button of [like, dislike]) {
      button.disabled = !subject;
      button.title = subject ? button.getAttribute('aria-label') : 'An opinion is about how well a track goes with the one the queue began with';
    }
  };
  changes.addEventListener('change', show, { signal });
  show();
  return { like, dislike, show };
}
