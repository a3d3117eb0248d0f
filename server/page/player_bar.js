// The bar at the bottom: what plays, and its controls.

import { clock, spokenClock } from './clock.js';
import { cover } from './cover.js';
import { element, icon, iconButton } from './element.js';
import { askOpinions, opinionButtons } from './opinions.js';
import { player, queue } from './session.js';
import { nameOf } from './tracks.js';

export function showPlayerBar(bar) {
  const art = element('span', { class: 'player-cover' });
  const title = element('a', { class: 'player-title', id: 'now-title' });
  const artist = element('span', { class: 'player-artist' });
  const words = element('div', { class: 'player-words' }, title, artist);
  const spoken = element('p', { class: 'visually-hidden', 'aria-live': 'polite', id: 'now-playing' });
  const { like, dislike, show: showOpinion } = opinionButtons(subject, null, new AbortController().signal);
  like.id = 'player-like';
  dislike.id = 'player-dislike';

  const toggle = element('button', { type: 'button', class: 'icon-button player-toggle', id: 'player-toggle', onclick: () => player.toggle() }, icon('play'), icon('pause'));
  const previous = iconButton('previous', 'Previous', () => player.previous(), { id: 'player-previous' });
  const skip = iconButton('next', 'Next', () => player.skip(), { id: 'player-next' });
  const passed = element('span', { class: 'player-time', id: 'player-seconds' }, '0:00');
  const length = element('span', { class: 'player-time' }, '–:––');
  const seek = element('input', { type: 'range', id: 'player-seek', min: 0, max: 100, step: 1, value: 0, 'aria-label': 'Position in the track' });
  const queueButton = iconButton('list', 'Queue', () => toggleQueue(), { id: 'queue-toggle', 'aria-expanded': 'false', 'aria-controls': 'queue' });
  bar.append(
    element('div', { class: 'player-now' }, art, words, like, dislike), spoken,
    element('div', { class: 'player-buttons' }, previous, toggle, skip),
    element('div', { class: 'player-line' }, passed, seek, length),
    element('div', { class: 'player-end' }, volumeControl(), queueButton));

  // While the thumb is held, the playing position must not pull it away.
  let isSeeking = false;
  seek.addEventListener('input', () => {
    isSeeking = true;
    showTime(Number(seek.value));
  });
  seek.addEventListener('change', () => {
    isSeeking = false;
    player.seek(Number(seek.value));
  });

  function subject() {
    const result = player.track?.id;
    return result !== undefined && queue.query !== null && queue.query !== result ? { query: queue.query, result } : null;
  }

  function showTime(seconds) {
    const { duration } = player;
    passed.textContent = clock(seconds);
    length.textContent = clock(duration);
    seek.max = Number.isFinite(duration) ? duration : 100;
    seek.value = seconds;
    seek.setAttribute('aria-valuetext', `${spokenClock(seconds)} of ${spokenClock(duration)}`);
    seek.style.setProperty('--filled', `${Number.isFinite(duration) && duration > 0 ? (seconds / duration) * 100 : 0}%`);
  }

  let shown = null;
  function show() {
    const { track } = player;
    bar.dataset.state = track ? (player.isPlaying ? 'playing' : 'paused') : 'empty';
    toggle.setAttribute('aria-label', player.isPlaying ? 'Pause' : 'Play');
    toggle.title = player.isPlaying ? 'Pause' : 'Play';
    for (const control of [toggle, previous, skip, seek]) control.disabled = !track;
    showOpinion();
    if (queue.query !== null) askOpinions(queue.query);
    if (shown === track?.id) return;
    shown = track?.id;
    bar.dataset.trackId = track?.id ?? '';
    art.replaceChildren(...(track ? [cover(track, { isEager: true })] : []));
    title.textContent = track?.title ?? 'Nothing plays';
    if (track) title.href = `#/track/${track.id}`;
    else title.removeAttribute('href');
    artist.textContent = track ? track.artist ?? 'Unknown artist' : 'Choose a track; similar ones follow by themselves.';
    spoken.textContent = track ? `Now: ${nameOf(track)}` : '';
  }

  function toggleQueue() {
    document.getElementById('queue').dispatchEvent(new Event('toggle-panel'));
  }

  player.addEventListener('state', show);
  queue.addEventListener('change', show);
  player.addEventListener('time', () => isSeeking || showTime(player.seconds));
  show();
  showTime(0);
}

/** Mute and a slider. It stands twice: in the bar, and in the queue's panel where the bar is too narrow. */
export function volumeControl() {
  const mute = element('button', { type: 'button', class: 'icon-button', onclick: () => player.toggleMuted() }, icon('volume'), icon('muted'));
  const slider = element('input', { type: 'range', min: 0, max: 1, step: 0.01, 'aria-label': 'Volume', 'data-control': 'volume' });
  slider.addEventListener('input', () => { player.volume = Number(slider.value); });
  const control = element('div', { class: 'volume' }, mute, slider);
  const show = () => {
    const isMuted = player.volume === 0;
    slider.value = player.volume;
    slider.style.setProperty('--filled', `${player.volume * 100}%`);
    slider.setAttribute('aria-valuetext', `${Math.round(player.volume * 100)} %`);
    mute.setAttribute('aria-label', isMuted ? 'Unmute' : 'Mute');
    mute.title = isMuted ? 'Unmute' : 'Mute';
    control.classList.toggle('is-muted', isMuted);
  };
  player.addEventListener('volume', show);
  show();
  return control;
}
