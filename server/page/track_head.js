// The head of a track's page: cover, tags and what can be done with the whole track.

import { notice } from './announcer.js';
import { clock } from './clock.js';
import { cover } from './cover.js';
import { element, wordButton } from './element.js';
import { pathEnds } from './path_ends.js';
import { mix, player, queue } from './session.js';
import { quoted } from './tracks.js';

export function trackHead(track) {
  return element('header', { class: 'track-head', 'data-track-id': track.id },
    cover(track, { isEager: true }),
    element('div', { class: 'track-words' },
      element('p', { class: 'track-artist' }, track.artist ? element('a', { href: `#/search?q=${encodeURIComponent(track.artist)}` }, track.artist) : 'Unknown artist'),
      element('h1', { id: 'track-title' }, track.title),
      tagList(track),
      element('div', { class: 'buttons' },
        wordButton('Play', () => {
          if (player.track?.id === track.id) player.play();
          else queue.begin([track]);
        }, { iconName: 'play', class: 'button is-main', id: 'play-track' }),
        wordButton('Queue', () => {
          queue.append([track]);
          notice(`${quoted(track)} is in the queue.`);
        }, { iconName: 'queue', 'data-action': 'queue' }),
        wordButton('Add to mix', () => {
          mix.more(track);
          notice(`The mix asks for more like ${quoted(track)}.`);
        }, { iconName: 'more', 'data-action': 'more' }),
        element('a', { class: 'button', href: `#/map?track=${track.id}` }, 'On the map'),
        wordButton('Path from here', () => pathEnds.set({ from: track.id }), { 'data-action': 'path-from' }),
        wordButton('Path to here', () => pathEnds.set({ to: track.id }), { 'data-action': 'path-to' }))));
}

function tagList(track) {
  const tags = [
    ['Album', track.album], ['Genre', track.genre], ['Year', track.year],
    ['Length', track.duration_seconds ? clock(track.duration_seconds) : null],
  ].filter(([, value]) => value);
  return element('dl', { class: 'tags' },
    tags.map(([name, value]) => element('div', {}, element('dt', {}, name), element('dd', {}, String(value)))),
    track.path ? element('div', { class: 'tag-path' }, element('dt', {}, 'File'), element('dd', {}, track.path)) : null,
    track.copies?.length ? element('div', { class: 'tag-copies' }, element('dt', {}, 'Copies'), element('dd', {},
      track.copies.map((id, at) => element('a', { href: `#/track/${id}` }, `copy ${at + 1}`)))) : null);
}
