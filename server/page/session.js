// The one queue, player and mix of the page, which every view acts on.

import { joinMediaSession } from './media_session.js';
import { Mix } from './mix.js';
import { Player } from './player.js';
import { Queue } from './queue.js';
import { goOn } from './radio.js';

export const queue = new Queue();
export const player = new Player(queue);
export const mix = new Mix();

joinMediaSession(player);
goOn(queue);
