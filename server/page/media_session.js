// The keys of a keyboard, a headset and a lock screen.

import { api } from './api.js';

export function joinMediaSession(player) {
  if (!('mediaSession' in navigator)) return;
  const session = navigator.mediaSession;
  const actions = {
    play: () => player.play(),
    pause: () => player.pause(),
    previoustrack: () => player.previous(),
    nexttrack: () => player.skip(),
    seekto: ({ seekTime }) => player.seek(seekTime),
    seekbackward: ({ seekOffset }) => player.seek(player.seconds - (seekOffset ?? 10)),
    seekforward: ({ seekOffset }) => player.seek(player.seconds + (seekOffset ?? 10)),
  };
  for (const [name, act] of Object.entries(actions)) {
    try {
      session.setActionHandler(name, act);
    } catch {
      // Browsers refuse actions that they do not know; the others still serve.
    }
  }

  let shown = null;
  player.addEventListener('state', () => {
    const { track } = player;
    session.playbackState = track ? (player.isPlaying ? 'playing' : 'paused') : 'none';
    if (!track || track.id === shown) return;
    shown = track.id;
    session.metadata = new MediaMetadata({
      title: track.title, artist: track.artist ?? '', album: track.album ?? '', artwork: [{ src: new URL(api.coverAddress(track.id), document.baseURI).href }],
    });
  });
  player.addEventListener('time', () => {
    const { duration, seconds } = player;
    if (!Number.isFinite(duration) || duration <= 0) return;
    session.setPositionState?.({ duration, position: Math.min(seconds, duration), playbackRate: 1 });
  });
}
