// The audio element and the rules of listening: what counts as a skip, and what happens to a file that will not play.

import { api } from './api.js';
import { notice } from './announcer.js';
import { keep, recall } from './memory.js';
import { quoted } from './tracks.js';

const SKIPPED_BELOW = 0.5;
const MOST_FAILURES_IN_A_ROW = 5;
const FAILURE_PAUSE_MILLISECONDS = 900;
const RESTART_AFTER_SECONDS = 4;

const REASONS = {
  [MediaError.MEDIA_ERR_NETWORK]: 'the transfer broke off',
  [MediaError.MEDIA_ERR_DECODE]: 'the file is damaged',
  [MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED]: 'the file is missing or this browser does not know its format',
};

/** Events: `state` (playing, paused, another track), `time`, `volume`. */
export class Player extends EventTarget {
  #queue;
  #audio = new Audio();
  #failures = 0;
  #startSeconds = 0;
  #keptSeconds = 0;
  #giveWay = null;
  // A file left over from the last visit may be gone: that is no reason to begin playing the next one unasked.
  #isWanted = false;
  // The queue ran out while playing: similar tracks that are still on their way go on by themselves.
  #isWaiting = false;

  constructor(queue) {
    super();
    this.#queue = queue;
    const audio = this.#audio;
    audio.id = 'audio';
    audio.preload = 'metadata';
    audio.volume = recall('volume', 0.8);
    // In the document, so that browser tools and tests find the element that plays.
    document.body.append(audio);
    queue.addEventListener('current', ({ detail }) => this.#load(detail));
    queue.addEventListener('change', () => this.#isWaiting && queue.goesOn && queue.next());
    audio.addEventListener('loadedmetadata', () => {
      if (this.#startSeconds > 0) audio.currentTime = Math.min(this.#startSeconds, Math.max(0, audio.duration - 0.5));
      this.#startSeconds = 0;
      this.#tell('time');
    });
    audio.addEventListener('timeupdate', () => this.#moved());
    for (const name of ['play', 'pause', 'playing', 'waiting']) audio.addEventListener(name, () => this.#tell('state'));
    audio.addEventListener('playing', () => { this.#failures = 0; });
    audio.addEventListener('ended', () => this.#ended());
    audio.addEventListener('error', () => this.#failed());
    audio.addEventListener('volumechange', () => {
      keep('volume', audio.volume);
      this.#tell('volume');
    });
    window.addEventListener('pagehide', () => keep('seconds', this.seconds));
  }

  get track() {
    return this.#queue.current;
  }

  get isPlaying() {
    return !this.#audio.paused;
  }

  get seconds() {
    return this.#audio.readyState ? this.#audio.currentTime : this.#startSeconds;
  }

  get duration() {
    const { duration } = this.#audio;
    return Number.isFinite(duration) ? duration : this.track?.duration_seconds ?? NaN;
  }

  get volume() {
    return this.#audio.muted ? 0 : this.#audio.volume;
  }

  set volume(volume) {
    this.#audio.muted = false;
    this.#audio.volume = Math.min(1, Math.max(0, volume));
  }

  toggleMuted() {
    this.#audio.muted = !this.#audio.muted;
  }

  play() {
    if (!this.track) return;
    this.#isWanted = true;
    // What failed once is tried anew: the file may be there again.
    if (this.#audio.error) this.#audio.load();
    // A refusal to play without a gesture leaves the player paused, which the button shows; the rest comes as `error`.
    this.#audio.play().catch(() => this.#tell('state'));
  }

  pause() {
    this.#isWanted = false;
    clearTimeout(this.#giveWay);
    this.#audio.pause();
  }

  toggle() {
    if (this.isPlaying) this.pause();
    else this.play();
  }

  seek(seconds) {
    if (!this.track) return;
    const within = Math.max(0, Math.min(seconds, Number.isFinite(this.duration) ? this.duration : seconds));
    if (this.#audio.readyState) this.#audio.currentTime = within;
    else this.#startSeconds = within;
    this.#tell('time');
  }

  /** Goes to the next track; before the half of this one that is a skip. */
  skip() {
    const { track } = this;
    if (!track) return;
    if (!(this.seconds / this.duration >= SKIPPED_BELOW)) this.#report(track, true);
    if (!this.#queue.next()) {
      this.pause();
      this.#isWaiting = true;
    }
  }

  /** To the start of the track, or near its start to the one before. */
  previous() {
    if (this.seconds > RESTART_AFTER_SECONDS || !this.#queue.previous()) this.seek(0);
  }

  /** Plays a track from a moment on: the present one goes on there, another begins a queue. */
  playFrom(track, seconds, options) {
    if (this.track?.id === track.id) {
      this.seek(seconds);
      this.play();
    } else {
      this.#queue.begin([track], { ...options, seconds });
    }
  }

  #load({ isPlaying, seconds }) {
    this.#isWaiting = false;
    this.#isWanted = false;
    clearTimeout(this.#giveWay);
    this.#startSeconds = seconds;
    this.#audio.src = api.audioAddress(this.track.id);
    if (isPlaying) this.play();
    this.#tell('state');
    this.#tell('time');
  }

  #moved() {
    // Storage is written synchronously: not four times a second.
    if (Math.abs(this.seconds - this.#keptSeconds) > 5) {
      this.#keptSeconds = this.seconds;
      keep('seconds', this.seconds);
    }
    this.#tell('time');
  }

  #ended() {
    this.#report(this.track, false);
    this.#isWaiting = !this.#queue.next();
    this.#tell('state');
  }

  #failed() {
    const { track } = this;
    if (!track || !this.#isWanted) return;
    this.#failures += 1;
    const reason = REASONS[this.#audio.error?.code] ?? 'the browser gives no reason';
    if (this.#failures >= MOST_FAILURES_IN_A_ROW) {
      this.#failures = 0;
      notice(`${quoted(track)} cannot be played either. ${MOST_FAILURES_IN_A_ROW} tracks in a row failed, so playing has stopped.`, { isProblem: true });
      this.pause();
    } else {
      notice(`${quoted(track)} cannot be played: ${reason}. Going on to the next.`, { isProblem: true });
      this.#giveWay = setTimeout(() => this.#queue.next() || this.pause(), FAILURE_PAUSE_MILLISECONDS);
    }
    this.#tell('state');
  }

  #report(track, isSkipped) {
    // The statistics are worth less than quiet: a play that cannot be told is lost.
    api.play(track.id, isSkipped).catch(() => {});
  }

  #tell(name) {
    this.dispatchEvent(new Event(name));
  }
}
